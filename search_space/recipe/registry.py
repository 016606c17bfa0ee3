"""All passes and lowering choices that recipes can name. The built-in ones are found by their files. Other packages
register theirs under the entry points `velatune.passes` and `velatune.choices`. An extension that cannot be used is
left out with a warning. A recipe that names it is refused with the reason. An entry point may also name a package: then
all that its files define are meant.

Layout passes are in `search_space/passes`. Lowering choices are in `search_space/choices`. Those that rewrite the graph
are passes as well, and stand among them in a recipe. The others are taken once, before."""

from __future__ import annotations

import difflib
import importlib
import inspect
import logging
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Generic, TypeVar

import search_space.choices
import search_space.passes
from search_space.choices.base import RecipeChoice
from search_space.choices.frontend.base import FrontendChoice
from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from search_space.passes.stage import Stage
from search_space.termination import Terminated

#: Valid names of passes and choices, and of alternatives, so that a recipe can be parsed.
NAME, ALTERNATIVE = re.compile(r"[a-z][a-z0-9-]*"), re.compile(r"[a-z0-9][a-z0-9-]*")

T = TypeVar("T", type[RecipePass], type[RecipeChoice])

GROUPS = _PASSES, _CHOICES = "velatune.passes", "velatune.choices"
"""Of entry points."""

_log = logging.getLogger(__name__)


def passes() -> Mapping[str, type[RecipePass]]:
    """Name -> class of every pass that can be used."""
    return _passes().usable


def choices() -> Mapping[str, type[RecipeChoice]]:
    """Name -> class of every lowering choice that can be used."""
    return _choices().usable


def unknown_pass(name: str, known: Iterable[str]) -> SpaceError:
    """The error for a pass that does not exist or cannot be used.

    Args:
        name: the name in the recipe.
        known: the names that exist.

    Returns:
        The error, not raised.
    """
    return _left_out("pass", name, _passes().broken) or unknown("pass", name, known)


def unknown_choice(name: str, known: Iterable[str]) -> SpaceError:
    """The error for a choice that does not exist or cannot be used.

    Args:
        name: the name in the recipe.
        known: the names that exist.

    Returns:
        The error, not raised.
    """
    return _left_out("lowering choice", name, _choices().broken) or unknown("lowering choice", name, known)


def unknown(kind: str, name: str, known: Iterable[str]) -> SpaceError:
    """The error for an unknown name, with the nearest known ones.

    Args:
        kind: what the name is of, for the message.
        name: the name in the recipe.
        known: the names that exist.

    Returns:
        The error, not raised.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
    return SpaceError(f"unknown {kind} '{name}'; did you mean {' or '.join(near)}?")


@dataclass(frozen=True)
class _Found(Generic[T]):
    """The extensions that are installed.

    Attributes:
        usable: name -> class.
        broken: name of an extension that cannot be used -> its entry point and why.
    """

    usable: dict[str, T]
    broken: dict[str, str]


@cache
def _passes() -> _Found[type[RecipePass]]:
    return _collect((search_space.passes, search_space.choices), RecipePass, _PASSES)


@cache
def _choices() -> _Found[type[RecipeChoice]]:
    return _collect((search_space.choices,), RecipeChoice, _CHOICES)


def _left_out(kind: str, name: str, broken: Mapping[str, str]) -> SpaceError | None:
    return SpaceError(f"{kind} '{name}' cannot be used: {broken[name]}") if name in broken else None


def _collect(packages: Iterable[ModuleType], base: T, group: str) -> _Found[T]:
    """The built-in ones and the extensions. A broken extension is left out with a warning: it must not cost those
    who do not use it anything."""
    usable: dict[str, T] = {}
    for package in packages:
        usable |= _of_package(package, base)
    broken: dict[str, str] = {}
    # Sorted, so that of two extensions of one name the same one is taken in every process.
    for entry in sorted(entry_points(group=group), key=lambda one: (one.name, one.value)):
        for value, complaint in _offered(entry, base):
            if not complaint and value.name in usable:
                complaint = f"reuses the name '{value.name}'"
            if not complaint:
                usable[value.name] = value
                continue
            reason = f"entry point {entry.value} ({group}) {complaint}"
            _log.warning("warning: %s; it is left out", reason)
            for name in {entry.name, getattr(value, "name", None)}:
                if isinstance(name, str) and name not in usable:
                    broken[name] = reason
    return _Found(dict(sorted(usable.items())), broken)


def _offered(entry: EntryPoint, base: T) -> list[tuple[Any, str]]:
    """What an entry point gives, one class or those of a package, each with why it cannot be used."""
    try:
        value = entry.load()
        if isinstance(value, ModuleType) and hasattr(value, "__path__"):
            return [(one, _fault(one, base)) for one in _of_package(value, base).values()]
    except Terminated:
        raise
    except (Exception, SystemExit) as error:
        return [(None, f"does not load: {' '.join(str(error).split()) or type(error).__name__}")]
    return [(value, _fault(value, base))]


def _of_package(package: ModuleType, base: T) -> dict[str, T]:
    """Name -> class of all that the files of a package define."""
    found: dict[str, T] = {}
    for file in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(file.name)
        for value in vars(module).values():
            if _is_one(value, base) and value.__module__ == module.__name__ and hasattr(value, "name"):
                found[value.name] = value
    return found


def _fault(value: object, base: type) -> str:
    """As `_complaint`, also of a class that raises when it is asked."""
    try:
        return _complaint(value, base)
    except Exception as error:
        return f"cannot be read: {' '.join(str(error).split()) or type(error).__name__}"


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
    if issubclass(value, RecipePass):
        if not getattr(value, "law", ""):
            return "needs a law"
        if not isinstance(value.exactness, Exactness):
            return "has an exactness that is no search_space.exactness.Exactness"
        if not isinstance(value.stage, Stage | None):
            return "has a stage that is no search_space.passes.stage.Stage"
        odd = [f.name for f in value.options() if type(f.default) not in (bool, int, str)]
        if odd:
            return f"has an option {odd[0]} whose default is no bool, int or str"
        value()  # which may raise
        return ""
    if issubclass(value, FrontendChoice):
        return "is a choice inside ExecuTorch; of these there are only built-in ones"
    alternatives = getattr(value, "alternatives", {})
    bad = [name for name in alternatives if not ALTERNATIVE.fullmatch(name)]
    if bad:
        return f"has an alternative '{bad[0]}'; it needs a name of lower-case letters, digits and hyphens"
    return "" if alternatives else "has no alternatives"
