"""All passes and lowering choices that recipes can name: the built-in ones, found by their files, and those that other
packages register under the entry points `velatune.passes` and `velatune.choices`."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

import search_space.choices
import search_space.passes
from search_space.choices.base import Choice
from search_space.errors import SpaceError
from search_space.passes.base import Pass

T = TypeVar("T", type[Pass], type[Choice])


@cache
def passes() -> Mapping[str, type[Pass]]:
    """Name -> class of every pass. Raises SpaceError if an installed extension cannot be used."""
    return _collect(search_space.passes, Pass, "velatune.passes")  # type: ignore[type-abstract]


@cache
def choices() -> Mapping[str, type[Choice]]:
    """Name -> class of every lowering choice. Raises SpaceError if an installed extension cannot be used."""
    return _collect(search_space.choices, Choice, "velatune.choices")  # type: ignore[type-abstract]


def unknown(kind: str, name: str, known: Iterable[str]) -> SpaceError:
    """What to say of a name that is not known."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
    return SpaceError(f"unknown {kind} '{name}'; did you mean {' or '.join(near)}?")


def _collect(package: ModuleType, base: T, group: str) -> dict[str, T]:
    found: dict[str, T] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        for value in vars(module).values():
            if _is_one(value, base) and value.__module__ == module.__name__:
                found[value.name] = value
    for entry in entry_points(group=group):
        try:
            value = entry.load()
        except Exception as error:
            raise SpaceError(f"entry point {entry.value} ({group}) does not load: {error}") from error
        if not _is_one(value, base):
            raise SpaceError(f"entry point {entry.value} ({group}) is not a subclass of {base.__name__}")
        if value.name in found:
            raise SpaceError(f"entry point {entry.value} ({group}) reuses the name '{value.name}'")
        found[value.name] = value
    return dict(sorted(found.items()))


def _is_one(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value is not base
