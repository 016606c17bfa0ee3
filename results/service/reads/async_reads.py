"""Runs single SELECT statements on PostgreSQL from the event loop. Handing one over to a thread would take as much
processor time as running it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select

from results.store.database.fast_reads import PLAN_ONCE, FastReads

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_CONNECTIONS = 5
"""At a time; a statement for which none is free waits."""


class AsyncReads:
    """As `results.store.database.fast_reads.FastReads`, of the same database. For one event loop."""

    def __init__(self, fast_reads: FastReads) -> None:
        self._fast_reads = fast_reads
        self._idle: list[AsyncConnection[Any]] = []
        self._turns = asyncio.Semaphore(_CONNECTIONS)

    async def rows(self, statement: Select[Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a statement selects, by column name.

        Args:
            statement: made once, and the same object each time.
            values: of its parameters.

        Returns:
            Rows in the statement's order.

        Raises:
            StoreError: the database cannot be read.
        """
        compiled = self._fast_reads.compiled(statement)
        async with self._turns:
            with self._fast_reads.reported_errors():
                found = await self._run(compiled.text, compiled.parameters(values))
        return compiled.named(found)

    async def close(self) -> None:
        """Close its connections."""
        while self._idle:
            await self._idle.pop().close()

    async def _run(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        for may_try_again in (True, False):
            connection = self._idle.pop() if self._idle else await self._connected()
            try:
                cursor = await connection.execute(text, parameters)
                rows = await cursor.fetchall()
            except BaseException as error:
                gone = self._fast_reads.is_gone(error, connection)
                await connection.close()
                if not gone or not may_try_again:
                    raise
                await self.close()  # a server that was restarted has ended the others as well
            else:
                self._idle.append(connection)
                return rows
        raise AssertionError("the second time either returns or raises")

    async def _connected(self) -> AsyncConnection[Any]:
        import psycopg

        arguments, named = self._fast_reads.connect_arguments()
        connection = await psycopg.AsyncConnection.connect(
            *arguments, **named, autocommit=True, prepare_threshold=0, cursor_factory=psycopg.AsyncRawCursor
        )
        await connection.execute(PLAN_ONCE)
        return connection
