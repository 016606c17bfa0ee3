"""Answers to lookups, remembered until something is committed to a store: till then they cannot be other ones."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from results.changes import Changes

_REMEMBERED = 10_000
"""Answers; a few KiB each."""

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_Question = tuple[str, bytes]
Mark = tuple[object, ...] | None
"""Of all stores; None where one of them cannot tell."""


class Answered(Response):
    """The answer to a lookup. kind: hit, stale, nearest or miss. mark: from before the stores were asked."""

    def __init__(self, content: bytes, kind: str, mark: Mark) -> None:
        super().__init__(content, media_type="application/json")
        self.kind, self.mark = kind, mark


class Remembered:
    """Of one service; for its event loop's thread, but for `mark`."""

    def __init__(self, changes: Callable[[], list[Changes]]) -> None:
        self._changes = changes
        self._answers: OrderedDict[_Question, Answered] = OrderedDict()

    @property
    def at_hand(self) -> bool:
        """Whether what the stores hold is read in less time than another thread takes to do it."""
        return all(one.at_hand for one in self._changes())

    def mark(self) -> Mark:
        marks = [one.mark() for one in self._changes()]
        return None if None in marks else tuple(marks)

    async def find(self, question: _Question) -> Answered | None:
        """What still holds."""
        known = self._answers.get(question)
        if known is None:
            return None
        mark = self.mark() if self.at_hand else await asyncio.to_thread(self.mark)
        return known if mark is not None and mark == known.mark else None

    def keep(self, question: _Question, answer: Answered) -> None:
        if answer.mark is None:
            return
        self._answers.pop(question, None)
        self._answers[question] = answer
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)


class LookupRoute(APIRoute):
    """A route whose answers are remembered. The question is the path and the body, byte for byte."""

    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()

        async def remembered(request: Request) -> Response:
            service = request.app.state.service
            answers: Remembered = service.remembered
            question = request.scope["path"], await request.body()
            answer: Response | None = await answers.find(question)
            if answer is None:
                answer = await handle(request)
            if isinstance(answer, Answered):
                answers.keep(question, answer)
                service.metrics.lookups.labels(answer.kind).inc()
            return answer

        return remembered
