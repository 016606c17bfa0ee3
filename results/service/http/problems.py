"""Errors as the service answers them: the same JSON, one code for programs, one line for people."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from results.errors import StoreError
from results.service.http.telemetry import log

_CODES = {
    400: "bad_request",
    401: "no_token",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    503: "unavailable",
    507: "no_room",
}


class ProblemJson(BaseModel):
    """Why a request was not done."""

    model_config = ConfigDict(json_schema_extra={"example": {"error": "not_found", "message": "no such job"}})

    error: str = Field(description="for programs: " + ", ".join(_CODES.values()) + " or internal")
    message: str = Field(description="for people, in one line")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The part of a route's description that says which errors it gives."""
    described = {401: "no token that holds", 403: "the token's role is too low", 429: "too many requests"}
    return {
        status: {"model": ProblemJson, "description": described.get(status, _CODES[status].replace("_", " "))}
        for status in (401, 403, 429, *statuses)
    }


def other_than_json(kind: str, *statuses: int, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """What `responses` gives, for a route that answers with a text or file, together with the route's `response_class`.

    Args:
        kind: media type of the answer.
        statuses: of HTTP, of the errors that the route can answer with.
        schema: JSON schema of each part of a stream; None if the whole is one string.

    Returns:
        Keyword arguments of a route's decorator.
    """
    text = {"type": "string"} if kind.startswith("text/") else {"type": "string", "format": "binary"}
    whole = {"description": "the whole of it", "content": {kind: {"schema": schema or text}}}
    # A response class without a media type of its own: errors are JSON here too.
    return {"response_class": Response, "responses": {200: whole, **responses(*statuses)}}


def problem(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as the service answers it: a code for programs and a message for people.

    Args:
        status: of HTTP.
        message: one line that says what was wrong and what to do.
        headers: to send with it; None for none.

    Returns:
        The response.
    """
    content = {"error": _CODES.get(status, "internal"), "message": message}
    return JSONResponse(content, status, headers)


def install(app: FastAPI) -> None:
    """Make every error of an application a problem."""

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(422, f"{where}: {first['msg']}")

    @app.exception_handler(StoreError)
    async def unavailable(request: Request, error: StoreError) -> JSONResponse:
        # Where the store lies is the operator's business: that is in the log.
        log.error("the store failed", extra={"fields": {"reason": str(error)}})
        return problem(503, "the results store cannot be used at the moment", {"Retry-After": "5"})


def internal(error: BaseException) -> JSONResponse:
    """A fault of the service's own; what it was is in the log only."""
    log.log(logging.ERROR, "unexpected", exc_info=error)
    return problem(500, "the service failed; its log says why")
