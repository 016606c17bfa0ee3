"""A cache of answers to lookups. An answer holds until something is committed to one of the stores."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from fastapi import Response

_REMEMBERED = 10_000
"""Answers; a few KiB each."""

Question = tuple[str, bytes]
Marks = tuple[object, ...]
"""Of stores in the order in which they are asked; None of one that cannot tell."""


class Answered(Response):
    """The answer to a lookup.

    Attributes:
        kind: hit, stale, nearest or miss.
        marks: of the stores that were asked, from before the question. The answer does not depend on others.
    """

    def __init__(self, content: bytes, kind: str, marks: Marks) -> None:
        """A response that may be remembered.

        Args:
            content: JSON.
            kind: of the answer, as `hit`.
            marks: of the stores that were asked, from before they were.
        """
        super().__init__(content, media_type="application/json")
        self.kind, self.marks = kind, marks


class LookupCache:
    """Of one service; for its event loop."""

    def __init__(self, marks: Callable[[], Awaitable[Marks]]) -> None:
        """marks: asks all stores for theirs."""
        self._marks = marks
        self._answers: OrderedDict[Question, Answered] = OrderedDict()
        self._latest: Marks = ()

    async def find(self, question: Question) -> Answered | None:
        """What still holds."""
        known = self._answers.get(question)
        # After a commit most that are remembered are older: the stores need not be asked about each of them.
        if known is None or not _begins(self._latest, known.marks):
            return None
        self._latest = await self._marks()
        return known if _begins(self._latest, known.marks) else None

    def keep(self, question: Question, answer: Answered) -> None:
        """Remember an answer, unless a store could not tell its mark.

        Args:
            question: what it answers.
            answer: with the marks that it holds under.
        """
        if None in answer.marks:
            return
        self._latest = answer.marks + self._latest[len(answer.marks) :]
        self._answers.pop(question, None)
        self._answers[question] = answer
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)


def _begins(marks: Marks, those: Marks) -> bool:
    return marks[: len(those)] == those
