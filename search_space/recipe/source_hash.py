"""One hash over the code that determines what passes do."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path

import search_space
from search_space.passes.base import Pass
from search_space.recipe import registry


@cache
def source_hash() -> str:
    """32 hex digits over `search_space` and every package that an installed pass on TOSA graphs comes from.

    Cached results of passes hold as long as their source stays the same.
    """
    passes = (kind for kind in registry.passes().values() if issubclass(kind, Pass))
    return hash_of_sources({Path(search_space.__path__[0]), *map(package_of, passes)})


def hash_of_sources(places: Iterable[Path]) -> str:
    """32 hex digits over the names and contents of Python files.

    Args:
        places: packages, or modules that are in none.
    """
    digest = blake2b(digest_size=16)
    for place in sorted(places):
        for file in sorted(place.rglob("*.py")) if place.is_dir() else (place,):
            digest.update(f"{file.relative_to(place.parent)}\n".encode())
            digest.update(blake2b(file.read_bytes()).digest())
    return digest.hexdigest()


def package_of(kind: type) -> Path:
    """The outermost package that a class is in, or its module where that is in none."""
    place = Path(inspect.getfile(kind))
    while (place.parent / "__init__.py").is_file():
        place = place.parent
    return place
