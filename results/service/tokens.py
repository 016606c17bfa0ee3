"""Tokens: who may do what. What is kept is a hash; a token is shown once, when it is made."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from sqlalchemy import insert, select, update

from results.errors import StoreError
from results.records.record import utc_now
from results.service.state import State
from results.service.state import tokens as table

_FORM = re.compile(r"vt_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class Role(IntEnum):
    """What a token allows; each role may do what those below it may."""

    read = 1
    submit = 2
    admin = 3


@dataclass(frozen=True)
class Token:
    """What is known of a token.

    Attributes:
        id: public, in the token's text.
        expires, revoked: UTC times, or None.
    """

    id: str
    name: str
    role: Role
    created: str
    expires: str | None
    revoked: str | None

    def holds(self, now: str) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


class TokenBook:
    """All tokens of a state folder, in memory. They are read again after anyone wrote to the database."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._connection = state.connection()
        self._mark = -1
        self._known: dict[str, tuple[str, Token]] = {}

    def create(self, name: str, role: Role, days: float | None = None) -> str:
        """A new token. It is 256 random bits behind a public id.

        With so many bits nobody can try out what hashes to the entry, however fast the hash is. Slow hashes are for
        passwords that people choose. SHA-256 costs a request microseconds.

        Args:
            name: for people.
            role: what it may do.
            days: until it expires; None for never.

        Returns:
            Its text; only a hash of it is kept.
        """
        id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        expires = (
            None if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="microseconds")
        )
        with self._state.write() as connection:
            connection.execute(
                insert(table).values(
                    id=id, name=name, role=role.name, sha256=_hash(secret), created=utc_now(), expires=expires
                )
            )
        return f"vt_{id}_{secret}"

    def revoke(self, id: str) -> None:
        """From the next request on. Raises StoreError if there is no such token."""
        with self._state.write() as connection:
            changed = connection.execute(
                update(table).where(table.c.id == id, table.c.revoked.is_(None)).values(revoked=utc_now())
            )
            if not changed.rowcount:
                raise StoreError(f"no token {id} is in force; `velatune token list` shows them")

    def all(self) -> list[Token]:
        """Those that hold and those that do not, the oldest first."""
        return sorted((token for _, token in self._current().values()), key=lambda token: token.created)

    def find(self, text: str) -> Token | None:
        """The token that holds and has this text."""
        form = _FORM.fullmatch(text)
        if form is None:
            return None
        id, secret = form.groups()
        kept, token = self._current().get(id, ("", None))
        same = hmac.compare_digest(kept, _hash(secret))
        return token if same and token is not None and token.holds(utc_now()) else None

    def _current(self) -> dict[str, tuple[str, Token]]:
        with self._lock:
            mark = self._connection.exec_driver_sql("PRAGMA data_version").scalar_one()
            if mark != self._mark:
                rows = self._connection.execute(select(table)).mappings().all()
                self._known = {row["id"]: (row["sha256"], _token(row)) for row in rows}
                self._mark = mark
            return self._known


def _token(row: object) -> Token:
    fields = {name: row[name] for name in ("id", "name", "created", "expires", "revoked")}  # type: ignore[index]
    return Token(role=Role[row["role"]], **fields)  # type: ignore[index]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
