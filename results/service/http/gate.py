"""Checks that every request passes before a route sees it: who, how often, how large. Afterwards it is logged."""

from __future__ import annotations

import math
import time
from secrets import token_hex

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from results.service.http.access import OPEN_PATHS, Authenticator, Principal, Refused
from results.service.http.limits import Rate
from results.service.http.problems import internal, problem
from results.service.http.telemetry import Metrics, tell

UPLOADS = "/v1/models"
"""The one path with bodies that are not small; its route counts them itself."""

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_CSP = (b"content-security-policy", b"default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")  # fmt: skip


class Gate:
    """ASGI middleware around the whole application.

    A route that forgets to ask for a role is still not open.
    """

    def __init__(
        self, app: ASGIApp, authenticator: Authenticator, rate: Rate, metrics: Metrics, body_bytes: int
    ) -> None:
        """Stand before an application.

        Args:
            app: what requests are handed to once they are allowed.
            authenticator: says who a request is from.
            rate: how many requests a caller may send.
            metrics: counts requests and refusals.
            body_bytes: most bytes of a body that is no upload.
        """
        self._app, self._authenticator, self._rate, self._metrics = app, authenticator, rate, metrics
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = token_hex(8)
        peer = scope["client"][0] if scope["client"] else ""
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # A list of its own: that of an answer that is remembered goes out again with the next one.
                headers = [*message.get("headers", ()), (b"x-request-id", request_id.encode()), *_SECURITY]
                given = {name for name, _ in headers}
                if b"content-security-policy" not in given:
                    headers.append(_CSP)
                if b"cache-control" not in given:
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        who: Principal | Refused | None = None
        try:
            who, refusal = self._admit(scope, peer)
            if refusal is not None:
                await refusal(scope, receive, answer)
                return
            scope.setdefault("state", {})["principal"] = who
            limited = receive if scope["path"] == UPLOADS else _limited(receive, self._body_bytes)
            await self._app(scope, limited, answer)
        except Exception as error:
            if status:
                raise  # half an answer is out: all that is left is to cut the connection
            await internal(error)(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            # The route as it is written, not the path as it was sent: callers cannot make up new series.
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.request(scope["method"] if route != "unknown" else "any", route, status).inc()
            self._metrics.route_seconds(route).observe(seconds)
            tell(
                "request", id=request_id, method=scope["method"], path=scope["path"], status=status,
                milliseconds=round(1000 * seconds, 2), peer=peer, by=getattr(who, "id", None),
            )  # fmt: skip

    def _admit(self, scope: Scope, peer: str) -> tuple[Principal | Refused | None, ASGIApp | None]:
        """Who asks, and what turns them away."""
        headers = dict(scope["headers"])
        if scope["path"] in OPEN_PATHS:
            who: Principal | Refused | None = None
        else:
            who = self._authenticator.principal(peer, scope["method"], headers)
        # Whoever is turned away is counted too, by address.
        wait = self._rate.wait_seconds(who.source if isinstance(who, Principal) else peer)
        if wait:
            return who, problem(429, "too many requests", {"Retry-After": str(math.ceil(wait))})
        if isinstance(who, Refused):
            challenge = 'Bearer realm="velatune", Basic realm="velatune: token as password", charset="UTF-8"'
            return who, problem(401, who.message, {"WWW-Authenticate": challenge})
        return who, None


def _limited(receive: Receive, most: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, f"a request of this kind has at most {most:,} bytes")
        return message

    return counted
