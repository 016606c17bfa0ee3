"""A kind of route for lookups, which answers from the cache with as little overhead as possible."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from results.records.identity import Identity
from results.service.reads.lookup_cache import Answered, LookupCache


class LookupRoute(APIRoute):
    """A route whose answers are remembered. The question is the path and the body, byte for byte."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def remembered(request: Request) -> Response:
            service = request.app.state.service
            answers: LookupCache = service.lookup_cache
            question = request.scope["path"], await request.body()
            answer: Response | None = await answers.find(question)
            if answer is None:
                identity = _asked(request, question[1])
                answer = await (handle(request) if identity is None else service.asking.look_up(identity))
            if isinstance(answer, Answered):
                answers.keep(question, answer)
                service.metrics.lookup(answer.kind).inc()
            return answer

        return remembered


def _asked(request: Request, body: bytes) -> Identity | None:
    """The identity that was sent, if nothing is wrong with it. Otherwise FastAPI finds out what is wrong and reports
    it. Its own way to the same identity takes longer than looking that up."""
    if request.method != "POST" or request.headers.get("content-type") != "application/json":
        return None
    try:
        return Identity.from_text(body)
    except ValueError:
        return None
