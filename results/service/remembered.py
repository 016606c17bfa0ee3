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


class Answered(Response):
    """The answer to a lookup. kind: hit, stale, nearest or miss."""

    def __init__(self, content: bytes, kind: str) -> None:
        super().__init__(content, media_type="application/json")
        self.kind = kind


class Remembered:
    """Of one service; for its event loop's thread."""

    def __init__(self, changes: Callable[[], list[Changes]]) -> None:
        self._changes = changes
        self._answers: OrderedDict[_Question, tuple[tuple[object, ...], Answered]] = OrderedDict()

    async def mark(self) -> tuple[object, ...] | None:
        """Of all stores; None if one of them cannot tell."""
        marks = []
        for one in self._changes():
            marks.append(one.mark() if one.at_hand else await asyncio.to_thread(one.mark))
        return None if None in marks else tuple(marks)

    def find(self, question: _Question, mark: tuple[object, ...] | None) -> Answered | None:
        known, answer = self._answers.get(question, (None, None))
        return answer if mark is not None and known == mark else None

    def keep(self, question: _Question, mark: tuple[object, ...] | None, answer: Answered) -> None:
        """mark: from before the stores were asked."""
        if mark is None:
            return
        self._answers.pop(question, None)
        self._answers[question] = mark, answer
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
            mark = await answers.mark()
            answer: Response | None = answers.find(question, mark)
            if answer is None:
                answer = await handle(request)
            if isinstance(answer, Answered):
                answers.keep(question, mark, answer)
                service.metrics.lookups.labels(answer.kind).inc()
            return answer

        return remembered
