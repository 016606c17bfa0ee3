"""Who a request comes from, and what it may do. Nothing but /health is for everyone."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from fastapi.security import HTTPBearer

from results.service.tokens import Role, TokenBook

BEARER = HTTPBearer(auto_error=False, bearerFormat="vt_...", description="A token that `velatune token` made.")
"""For the description of routes, so that generated clients can send tokens. `Authenticator` is who checks them: before
any route, and those of pages too."""

OPEN_PATHS = frozenset({"/health"})
"""What answers without a token wherever the request comes from."""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_READS = ("GET", "HEAD", "OPTIONS")
#: Set by proxies. A request that came through one is not from this machine, whoever the peer is.
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")

Headers = Mapping[bytes, bytes]


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Attributes:
        id: of the token, or `loopback`.
        source: what its requests are counted under.
    """

    id: str
    role: Role
    source: str


@dataclass(frozen=True)
class Refused:
    """Why nobody is let in: no token that holds."""

    message: str


class Authenticator:
    """Tells principals.

    Attributes:
        loopback_reads: whether this machine's own users may read without a token.
    """

    def __init__(self, tokens: TokenBook, loopback_reads: bool) -> None:
        """Answer from the service's tokens.

        Args:
            tokens: those that the service knows.
            loopback_reads: whether requests from this machine may read without a token.
        """
        self._tokens = tokens
        self._loopback_reads = loopback_reads

    def principal(self, peer: str, method: str, headers: Headers) -> Principal | Refused:
        """Who a request is from.

        Args:
            peer: the address at the other end of the connection. No header is believed in its place: whoever can send a
                request can write headers too.
            method: of HTTP; it says which kinds of authorization are taken.
            headers: of the request.

        Returns:
            Who it is and what they may do, or why they may do nothing.
        """
        given = headers.get(b"authorization")
        if given is not None:
            text = _token_text(given, method)
            token = self._tokens.find(text) if text else None
            if token is None:
                return Refused("this token is unknown, revoked or expired")
            return Principal(token.id, token.role, token.id)
        if self._loopback_reads and is_loopback(peer) and _is_local(headers):
            return Principal("loopback", Role.read, peer)
        return Refused("send a token: Authorization: Bearer vt_...")


@lru_cache(1024)
def is_loopback(address: str) -> bool:
    """Whether an address is this machine's loopback, in either family."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _is_local(headers: Headers) -> bool:
    """Whether it was sent here directly, by its local name.

    The name is checked because of DNS rebinding. A page of any website can make a browser on this machine send requests
    to a name of the website's own, which resolves to 127.0.0.1.
    """
    if any(name in headers for name in _FORWARDED):
        return False
    host = headers.get(b"host", b"").decode("latin-1").lower()
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host) in _LOCAL_HOSTS


def _token_text(given: bytes, method: str) -> str:
    """The token of an Authorization header; empty if there is none in it.

    Browsers ask for it as the password of Basic authentication and then send it with every request, wherever the link
    stands. So that way is for reading only: another website's form cannot start or cancel anything.
    """
    scheme, _, value = given.decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic" and method in _READS:
        try:
            return base64.b64decode(value, validate=True).decode("ascii").partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
