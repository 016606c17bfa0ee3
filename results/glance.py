"""Single statements that read, run with as little as possible around them: a lookup takes little more time than that.

No transaction, no asking first whether a connection still stands, no handing it back in between, and each statement is
put into the database's words once, with its parameters in the order in which the server takes them: SQLAlchemy's part
of running a statement takes three times as long as SQLite's.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Engine, Select, create_engine, event

from results.connect import one_line_errors

_KEPT_CONNECTIONS = 5


class _Compiled(NamedTuple):
    """constants: parameters that are part of the statement. order: of positional parameters; None for named ones."""

    text: str
    constants: Mapping[str, Any]
    order: list[str] | None
    columns: list[str]


class Glances:
    """Of one database. For any number of threads."""

    def __init__(self, engine: Engine, location: str) -> None:
        """location: as messages name the database."""
        self._engine, self._location = engine, location
        self.dialect: str = engine.dialect.name
        if self.dialect != "sqlite":
            # Connections of its own, on which no statement begins a transaction; those on SQLite never do.
            self._engine = create_engine(engine.url, isolation_level="AUTOCOMMIT", paramstyle="numeric_dollar")
            event.listen(self._engine, "connect", _plan_once)
        self._compiled: dict[Select[Any], _Compiled] = {}
        self._idle: deque[Any] = deque()

    def rows(self, statement: Select[Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a statement selects, by column name.

        Args:
            statement: made once, and the same object each time.
            values: of its parameters.

        Raises:
            StoreError: the database cannot be read.
        """
        compiled = self._compiled.get(statement) or self._compile(statement)
        given = {**compiled.constants, **values}
        parameters = given if compiled.order is None else [given[name] for name in compiled.order]
        with one_line_errors(self._location, self._engine.dialect.loaded_dbapi.Error):
            found = self._run(compiled.text, parameters)
        return [dict(zip(compiled.columns, row, strict=True)) for row in found]

    def close(self) -> None:
        """Close its connections."""
        self._forget_idle()
        self._engine.dispose()

    def _run(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        dialect = self._engine.dialect
        for may_try_again in (True, False):
            try:
                connection: Any = self._idle.pop()
            except IndexError:
                connection = self._engine.raw_connection()
            try:
                rows: list[tuple[Any, ...]] = connection.driver_connection.execute(text, parameters).fetchall()
            except dialect.loaded_dbapi.Error as error:
                gone = dialect.is_disconnect(error, connection.driver_connection, None)
                if gone:
                    connection.invalidate()
                    self._forget_idle()  # a server that was restarted has ended the others as well
                    self._engine.dispose()
                connection.close()
                if not gone or not may_try_again:
                    raise
            except BaseException:
                connection.close()
                raise
            else:
                self._keep(connection)
                return rows
        raise AssertionError("the second time either returns or raises")

    def _keep(self, connection: Any) -> None:
        """For the next statement, of any thread; but not of them all, or a burst of questions holds them for good."""
        if len(self._idle) < _KEPT_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()

    def _forget_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _compile(self, statement: Select[Any]) -> _Compiled:
        made: Any = statement.compile(dialect=self._engine.dialect)
        order = made.positiontup if made.positional else None
        compiled = _Compiled(made.string, made.params, order, list(statement.selected_columns.keys()))
        self._compiled[statement] = compiled
        return compiled


def _plan_once(connection: Any, _record: object) -> None:
    """PostgreSQL would plan each statement for the values of its first calls anew; that takes ten times as long as
    running it."""
    import psycopg

    connection.autocommit = True
    connection.prepare_threshold = 0
    connection.cursor_factory = psycopg.RawCursor
    connection.execute("SET plan_cache_mode = force_generic_plan")
