"""Runs single SELECT statements with as little overhead as possible: most of a lookup's time is spent here.

SQLAlchemy's part of running a statement takes three times as long as SQLite's. So each statement is compiled to SQL
once, with its parameters in the driver's order. There is no transaction. A connection is not tested before it is used,
and does not return to SQLAlchemy's pool between statements.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from sqlalchemy import Engine, Select, create_engine, event

from results.store.database.connect import one_line_errors

_KEPT_CONNECTIONS = 5


PLAN_ONCE = "SET plan_cache_mode = force_generic_plan"
"""PostgreSQL would plan each statement for the values of its first calls anew; that takes ten times as long as running
it."""


class Compiled(NamedTuple):
    """A statement compiled to SQL.

    Attributes:
        constants: parameters that are part of the statement.
        order: of the parameters.
        columns: names of the result.
    """

    text: str
    constants: Mapping[str, Any]
    order: list[str]
    columns: list[str]

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """All parameters in the order in which the driver takes them."""
        given = {**self.constants, **values}
        return [given[name] for name in self.order]

    def named(self, rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in rows]


class FastReads:
    """Of one database. For any number of threads."""

    def __init__(self, engine: Engine, location: str) -> None:
        """Read from a database.

        Args:
            engine: of the database; on PostgreSQL an engine of its own is made from its URL.
            location: as messages name the database.
        """
        self._engine, self._location = engine, location
        self.dialect: str = engine.dialect.name
        if self.dialect != "sqlite":
            # Connections of its own, on which no statement begins a transaction; those on SQLite never do.
            self._engine = create_engine(engine.url, isolation_level="AUTOCOMMIT", paramstyle="numeric_dollar")
            event.listen(self._engine, "connect", _plan_once)
        self._compiled: dict[Select[Any], Compiled] = {}
        self._idle: deque[Any] = deque()

    def rows(self, statement: Select[Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a statement selects, by column name.

        Args:
            statement: made once, and the same object each time.
            values: of its parameters.

        Returns:
            Rows in the statement's order.

        Raises:
            StoreError: the database cannot be read.
        """
        compiled = self.compiled(statement)
        with self.reported_errors():
            found = self._run(compiled.text, compiled.parameters(values))
        return compiled.named(found)

    def compiled(self, statement: Select[Any]) -> Compiled:
        """A statement compiled to SQL; that is done once."""
        return self._compiled.get(statement) or self._compile(statement)

    def reported_errors(self) -> AbstractContextManager[None]:
        """Turns what the driver raises inside the block into a StoreError."""
        return one_line_errors(self._location, self._engine.dialect.loaded_dbapi.Error)

    def is_gone(self, error: BaseException, connection: Any) -> bool:
        """Whether a driver's error says that its connection stands no longer.

        Args:
            error: what was raised.
            connection: of the driver.

        Returns:
            False, too, if the error is not the driver's.
        """
        dialect = self._engine.dialect
        return isinstance(error, dialect.loaded_dbapi.Error) and dialect.is_disconnect(error, connection, None)

    def connect_arguments(self) -> tuple[Any, Any]:
        """What the driver's `connect` takes to get to the database."""
        return self._engine.dialect.create_connect_args(self._engine.url)

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
                gone = self.is_gone(error, connection.driver_connection)
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
        """For the next statement, of any thread. Not all are kept, or a burst of questions would hold them for good."""
        if len(self._idle) < _KEPT_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()

    def _forget_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _compile(self, statement: Select[Any]) -> Compiled:
        made: Any = statement.compile(dialect=self._engine.dialect)
        columns = list(statement.selected_columns.keys())
        compiled = Compiled(made.string, made.params, made.positiontup, columns)
        self._compiled[statement] = compiled
        return compiled


def _plan_once(connection: Any, _record: object) -> None:
    import psycopg

    connection.autocommit = True
    connection.prepare_threshold = 0
    connection.cursor_factory = psycopg.RawCursor
    connection.execute(PLAN_ONCE)
