"""Whether anything was committed to a database since the last request.

If not, what was read before then still holds.
"""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, Text, cast, func, select

SNAPSHOT = select(cast(func.pg_current_snapshot(), Text).label("mark"))
"""PostgreSQL's mark, for who asks for it otherwise."""


class Changes:
    """Of one database, by whichever process.

    SQLite counts commits (`data_version`, which sees other connections: this one is used for nothing else); PostgreSQL
    shows which transactions a statement sees.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: Any = None
        sqlite = engine.dialect.name == "sqlite"
        self._question = "PRAGMA data_version" if sqlite else "SELECT pg_current_snapshot()::text"
        #: Asking takes microseconds and no connection to anywhere.
        self.at_hand = sqlite

    def mark(self) -> object:
        """Equal to an earlier one only if nothing was committed in between; None if that cannot be known now."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                return self._connection.driver_connection.execute(self._question).fetchone()[0]
            except self._engine.dialect.loaded_dbapi.Error:  # locked, restarted or gone
                if self._connection is not None:
                    self._connection.invalidate()
                    self._connection = None
                return None

    def _opened(self) -> Any:
        opened = self._engine.raw_connection()  # out of the pool for as long as the store is open
        if not self.at_hand:
            driver: Any = opened.driver_connection
            driver.autocommit = True  # or the first question would begin a transaction that nobody ends
        return opened

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
