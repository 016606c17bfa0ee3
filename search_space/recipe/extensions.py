"""Which passes and choices of others are installed, as a part of what a result depends on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from search_space.recipe import registry
from search_space.recipe.source_hash import hash_of_sources, package_of

#: Of a hash, enough to tell the sources of one version apart.
_SHOWN_DIGITS = 16


@cache
def extension_versions() -> dict[str, str]:
    """Distribution -> version and hash of the source, of all that passes and choices of others come from.

    The hash tells apart what is under development, whose version stays the same.
    """
    found: dict[str, tuple[str, set[Path]]] = {}
    for entry, kind in _extensions():
        name, version = (entry.dist.name, entry.dist.version) if entry.dist is not None else (entry.module, "")
        found.setdefault(name, (version, set()))[1].add(package_of(kind))
    return {
        name: f"{version} (source {hash_of_sources(places)[:_SHOWN_DIGITS]})".strip()
        for name, (version, places) in sorted(found.items())
    }


def _extensions() -> Iterator[tuple[EntryPoint, type]]:
    for group, known in (("velatune.passes", registry.passes()), ("velatune.choices", registry.choices())):
        for entry in entry_points(group=group):
            kind = entry.load()
            if kind in known.values():
                yield entry, kind
