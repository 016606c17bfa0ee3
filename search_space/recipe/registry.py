"""All passes and lowering choices that recipes can name: the built-in ones, found by their files, and those that other
packages register under the entry points `velatune.passes` and `velatune.choices`.

Layout passes are in `search_space/passes`. Lowering choices are in `search_space/choices`: those that rewrite the graph
are passes as well, and stand among them in a recipe; the others are taken once, before."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

import search_space.choices
import search_space.passes
from search_space.choices.base import Choice
from search_space.choices.frontend.base import UpstreamChoice
from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.passes.base import Pass

#: How passes, choices and alternatives may be called, so that a recipe can be parsed.
NAME = re.compile(r"[a-z][a-z0-9-]*")

T = TypeVar("T", type[Pass], type[Choice])


@cache
def passes() -> Mapping[str, type[Pass]]:
    """Name -> class of every pass. Raises SpaceError if an installed extension cannot be used."""
    return _collect((search_space.passes, search_space.choices), Pass, "velatune.passes")  # type: ignore[type-abstract]


@cache
def choices() -> Mapping[str, type[Choice]]:
    """Name -> class of every lowering choice. Raises SpaceError if an installed extension cannot be used."""
    return _collect((search_space.choices,), Choice, "velatune.choices")  # type: ignore[type-abstract]


def unknown(kind: str, name: str, known: Iterable[str]) -> SpaceError:
    """What to say of a name that is not known."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
    return SpaceError(f"unknown {kind} '{name}'; did you mean {' or '.join(near)}?")


def _collect(packages: Iterable[ModuleType], base: T, group: str) -> dict[str, T]:
    found: dict[str, T] = {}
    for package in packages:
        for file in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(file.name)
            for value in vars(module).values():
                if _is_one(value, base) and value.__module__ == module.__name__ and hasattr(value, "name"):
                    found[value.name] = value
    for entry in entry_points(group=group):
        try:
            value = entry.load()
        except Exception as error:
            reason = " ".join(str(error).split())
            raise SpaceError(f"entry point {entry.value} ({group}) does not load: {reason}") from error
        complaint = _complaint(value, base)
        if complaint:
            raise SpaceError(f"entry point {entry.value} ({group}) {complaint}")
        if value.name in found:
            raise SpaceError(f"entry point {entry.value} ({group}) reuses the name '{value.name}'")
        found[value.name] = value
    return dict(sorted(found.items()))


def _is_one(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value is not base


def _complaint(value: object, base: type) -> str:
    """Why recipes cannot use what an entry point gave; empty if they can."""
    if not _is_one(value, base) or not isinstance(value, type):
        return f"is not a subclass of {base.__name__}"
    if not NAME.fullmatch(getattr(value, "name", "")):
        return "needs a name of lower-case letters, digits and hyphens"
    if inspect.isabstract(value):
        missing = sorted(name for name in dir(value) if getattr(getattr(value, name), "__isabstractmethod__", False))
        return f"does not implement {', '.join(missing)}"
    if issubclass(value, Pass):
        if not getattr(value, "law", ""):
            return "needs a law"
        if not isinstance(value.exactness, Exactness):
            return "has an exactness that is no search_space.exactness.Exactness"
        odd = [f.name for f in value.options() if type(f.default) not in (bool, int, str)]
        return f"has an option {odd[0]} whose default is no bool, int or str" if odd else ""
    if issubclass(value, UpstreamChoice):
        return "is a choice inside ExecuTorch; of these there are only built-in ones"
    alternatives = getattr(value, "alternatives", {})
    bad = [name for name in alternatives if not NAME.fullmatch(name)]
    if bad:
        return f"has an alternative '{bad[0]}'; it needs a name of lower-case letters, digits and hyphens"
    return "" if alternatives else "has no alternatives"
