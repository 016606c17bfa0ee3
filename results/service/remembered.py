"""Answers to lookups, remembered until something is committed to a store: till then they cannot be other ones."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from fastapi import Response

from results.changes import Changes

_REMEMBERED = 10_000
"""Answers; a few KiB each."""

Question = tuple[str, bytes]
Marks = tuple[object, ...]
"""Of stores in the order in which they are asked; None of one that cannot tell."""


class Answered(Response):
    """The answer to a lookup.

    kind: hit, stale, nearest or miss. marks: of the stores that were asked, from before they were; the answer does not
    hang on the others.
    """

    def __init__(self, content: bytes, kind: str, marks: Marks) -> None:
        super().__init__(content, media_type="application/json")
        self.kind, self.marks = kind, marks


class Remembered:
    """Of one service; for its event loop's thread, but for `marks`."""

    def __init__(self, changes: Callable[[], list[Changes]]) -> None:
        self._changes = changes
        self._answers: OrderedDict[Question, Answered] = OrderedDict()

    @property
    def at_hand(self) -> bool:
        """Whether what the stores hold is read in less time than another thread takes to do it."""
        return all(one.at_hand for one in self._changes())

    def marks(self) -> Marks:
        return tuple(one.mark() for one in self._changes())

    async def find(self, question: Question) -> Answered | None:
        """What still holds."""
        known = self._answers.get(question)
        if known is None:
            return None
        marks = self.marks() if self.at_hand else await asyncio.to_thread(self.marks)
        return known if marks[: len(known.marks)] == known.marks else None

    def keep(self, question: Question, answer: Answered) -> None:
        if None in answer.marks:
            return
        self._answers.pop(question, None)
        self._answers[question] = answer
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
