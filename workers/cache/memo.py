"""Results that are worth remembering, shared by all workers of a machine and all runs.

Entries are rows of SQLite files: there are several for each candidate, and making a file takes milliseconds. A reader
sees a whole entry or none, even if a process dies. An entry that cannot be read is passed over with a warning and
written anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.cache.lru import LRU

_log = logging.getLogger(__name__)

#: Of entries that were read or written lately, as they are in their files: what a process asks for, it asks for again.
_KEPT_BYTES = 16 << 20

#: How long to wait for other processes that write to the same file.
_BUSY_SECONDS = 30.0

# What is lost with the machine's power is computed again. A journal works between machines too, where a write-ahead log
# does not.
_SETTINGS = ("PRAGMA journal_mode = PERSIST", "PRAGMA synchronous = OFF")
_TABLE = "CREATE TABLE IF NOT EXISTS entries (digest BLOB PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID"


class Memo:
    """Entries are JSON objects under keys made of plain values; entries with equal keys are interchangeable. They are
    not to be changed by who gets them.

    Attributes:
        folder: gets 16 files. An entry's is named for the first digit of its digest: so writers seldom wait for each
            other.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: LRU[tuple[dict[str, Any], int]] = LRU(_KEPT_BYTES, size=lambda one: one[1])
        self._files: dict[Path, sqlite3.Connection] = {}

    def get(self, **key: Any) -> dict[str, Any] | None:
        """The entry, or None. `key`: JSON-able values that say what the entry is the result of."""
        name = _canonical(key)
        kept = self._kept.get(name)
        if kept is not None:
            return kept[0]
        digest = hashlib.sha256(name.encode()).digest()
        path = self._path(digest)
        if path not in self._files and not path.exists():
            return None
        try:
            rows = self._rows(path, "SELECT content FROM entries WHERE digest = ?", digest)
            if not rows:
                return None
            ((content,),) = rows
            entry = json.loads(content)
        except (OSError, ValueError) as error:
            _log.warning("memo entry %s is passed over: %s", digest.hex(), error)
            return None
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(value, dict) or entry.get("key") != json.loads(name):
            _log.warning("memo entry %s is passed over: it is not what its name says", digest.hex())
            return None
        self._kept.put(name, (value, len(content)))
        return value

    def put(self, value: Mapping[str, Any], **key: Any) -> None:
        """Remember an entry, in the place of an earlier one.

        Args:
            value: a JSON object.
            key: JSON-able values that say what the entry is the result of.

        Raises:
            OSError: its file cannot be written.
        """
        name = _canonical(key)
        content = json.dumps({"key": json.loads(name), "value": value}).encode()
        digest = hashlib.sha256(name.encode()).digest()
        self._rows(self._path(digest), "INSERT OR REPLACE INTO entries VALUES (?, ?)", digest, content)
        self._kept.put(name, (json.loads(content)["value"], len(content)))

    def put_if_possible(self, value: Mapping[str, Any], **key: Any) -> None:
        """`put` for results that hold whether they are kept or not.

        A full disk is a warning in the log.

        Args:
            value: a JSON object.
            key: JSON-able values that say what the entry is the result of.
        """
        try:
            self.put(value, **key)
        except OSError as error:
            _log.warning("a memo entry cannot be kept: %s", error)

    def _path(self, digest: bytes) -> Path:
        return self._folder / f"{digest.hex()[0]}.sqlite"

    def _rows(self, path: Path, statement: str, *values: bytes) -> list[tuple[bytes, ...]]:
        """What a statement gives. Raises OSError if the file cannot be used; one that is damaged begins anew."""
        try:
            return self._opened(path).execute(statement, values).fetchall()
        except sqlite3.OperationalError:
            self._close(path)  # its folder may have been moved or deleted
        except sqlite3.DatabaseError as error:
            _log.warning("the memo's file %s is passed over, it is damaged and begins anew: %s", path, error)
            self._close(path)
            path.unlink(missing_ok=True)
        try:
            return self._opened(path).execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._close(path)
            raise OSError(f"{path}: {error}") from error

    def _opened(self, path: Path) -> sqlite3.Connection:
        found = self._files.get(path)
        if found is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Each statement is a transaction. Of several threads that ask, SQLite lets one at a time in.
            found = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            for statement in (*_SETTINGS, _TABLE):
                found.execute(statement)
            self._files[path] = found
        return found

    def _close(self, path: Path) -> None:
        connection = self._files.pop(path, None)
        if connection is not None:
            connection.close()


def _canonical(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True, separators=(",", ":"))
