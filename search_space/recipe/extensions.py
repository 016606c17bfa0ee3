"""Installed passes and choices of other distributions, whose versions a result depends on."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from search_space.recipe import registry
from search_space.recipe.source_hash import hash_of_sources, package_of

#: What is of this project's own version.
_OWN = ("search_space", "workers")

#: Digits of a hash that distinguish the sources of one version.
_SHOWN_DIGITS = 16


@cache
def extension_versions() -> dict[str, str]:
    """Distribution -> version and hash of the source, of all that passes and choices of others come from.

    The hash tells apart what is under development, whose version stays the same. A module that belongs to no
    distribution goes by its own name.
    """
    entries = [
        entry
        for group in registry.GROUPS
        for entry in entry_points(group=group)
        if entry.module.partition(".")[0] not in _OWN
    ]
    if not entries:
        return {}  # the usual case, without importing all passes
    kinds = (*registry.passes().values(), *registry.choices().values())
    places: dict[str, set[Path]] = {}
    for kind in kinds:
        package = kind.__module__.partition(".")[0]
        if package not in _OWN:
            places.setdefault(package, set()).add(package_of(kind))
    # Entry points are not loaded here: one that is broken may be among them.
    distributions = {entry.module.partition(".")[0]: entry.dist for entry in entries if entry.dist is not None}
    found = {}
    for package, sources in sorted(places.items()):
        source = f"source {hash_of_sources(sources)[:_SHOWN_DIGITS]}"
        distribution = distributions.get(package)
        if distribution is None:
            found[package] = source
        else:
            found[distribution.name] = f"{distribution.version}, {source}"
    return found
