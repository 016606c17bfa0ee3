"""The backends that are installed, found by the entry points `velatune.backends`."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import TypeVar

from workers.backend.backend import Backend
from workers.backend.target import Target
from workers.errors import ModelError, OfAnotherFamily

GROUP = "velatune.backends"

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


@cache
def backends() -> Mapping[str, Backend]:
    """Family -> its backend, the project's own first. One that does not load is left out with a warning. Those who do
    not use it must not suffer from it.

    Raises:
        ModelError: none is installed.
    """
    found = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda one: (not one.value.startswith("workers."), one.name)):
        try:
            found[entry.name] = entry.load()
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            _log.warning("warning: backend %s (%s) does not load: %s; it is left out", entry.name, entry.value, reason)
    if not found:
        raise ModelError("no backend is installed; install velatune itself: pip install -e .")
    return found


def backend_of(family: str) -> Backend:
    """The backend of a family. Raises ModelError if it is not installed."""
    try:
        return backends()[family]
    except KeyError:
        known = ", ".join(backends())
        raise ModelError(f"the backend of {family} is not installed; installed: {known}") from None


def of_first_backend(ask: Callable[[Backend], Answer | None], otherwise: str) -> Answer:
    """What the first backend answers that knows what it is asked for.

    Args:
        ask: gives a backend's answer: None where it has nothing of the kind, or raises ModelError with what is wrong.
        otherwise: the message where no backend has anything of the kind.

    Returns:
        The answer.

    Raises:
        ModelError: none answers; the message is that of the first backend that has one. Those that say that a file is
            of another family come last.
    """
    refusals = []
    for backend in backends().values():
        try:
            found = ask(backend)
        except ModelError as error:
            refusals.append(error)
            continue
        if found is not None:
            return found
    refusals.sort(key=lambda error: isinstance(error, OfAnotherFamily))
    raise next(iter(refusals), ModelError(otherwise))


def target_named(name: str, board: Mapping[str, str]) -> Target:
    """The target of a name on a board, of whichever backend knows it; see `Backend.target`.

    Args:
        name: as `--target` has it; upper case and spaces around it do not matter.
        board: facts by the names of the backend's `board_options`.

    Returns:
        The target.

    Raises:
        ModelError: no backend knows the name, or its own does not take it.
    """
    wanted = name.strip().lower()
    for backend in backends().values():
        if backend.knows(wanted):
            facts = [one.name for one in backend.board_options]
            if foreign := sorted(set(board) - set(facts)):
                known = " and ".join(facts) or "nothing"
                raise ModelError(f"--target {name}: {foreign[0]} says nothing about such a board; it has {known}")
            return backend.target(wanted, board)
    examples = [backend.example for backend in backends().values()]
    nearest = difflib.get_close_matches(wanted, examples, n=3, cutoff=0.5) or examples
    raise ModelError(f"--target {name}: no backend has such a target; did you mean {' or '.join(nearest)}?")
