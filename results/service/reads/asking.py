"""Asks the stores from the event loop.

So no other request waits for a disk or a network.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import to_thread

from results.errors import StoreError
from results.records.identity import Identity
from results.service.reads.answers import answer_of, answer_with
from results.service.reads.async_reads import AsyncReads
from results.service.reads.lookup_cache import Answered, Marks
from results.store.database.commit_marks import SNAPSHOT
from results.store.lookups.lookup_query import offered_in, question
from results.store.tiers import Tiers

_P = ParamSpec("_P")
_R = TypeVar("_R")


async def aside(function: Callable[_P, _R], *arguments: _P.args, **named: _P.kwargs) -> _R:
    """Run what waits for a disk or a database in a thread: the loop goes on serving others.

    Args:
        function: called in a thread.
        arguments: of the function.
        named: of the function, too.

    Returns:
        What it returns; what it raises is raised here.
    """
    return await to_thread.run_sync(functools.partial(function, *arguments, **named))


class Asking:
    """Of the stores of one service; for its event loop.

    SQLite answers in less time than another thread takes to ask it. PostgreSQL's answers are awaited. A thread asks
    where there are two stores, or more than one statement is needed.
    """

    def __init__(self, stores: Tiers) -> None:
        self._stores = stores
        fast_reads = stores.user.database.fast_reads
        self._async_reads = AsyncReads(fast_reads) if fast_reads.dialect == "postgresql" else None

    async def close(self) -> None:
        if self._async_reads is not None:
            await self._async_reads.close()

    async def marks(self) -> Marks:
        """Of all stores, as they are now."""
        reads = self._async_alone
        if reads is None:
            return await self.run(self._marks)
        try:
            (row,) = await reads.rows(SNAPSHOT, {})
        except StoreError:
            return (None,)
        return (row["mark"],)

    async def look_up(self, identity: Identity) -> Answered:
        """What is known for an identity. Raises StoreError: it cannot be read."""
        reads = self._async_alone
        if reads is not None:
            (row,) = await reads.rows(*question(identity, "postgresql"))
            offered = offered_in(row, (row["mark"],))
            if offered is not None:
                return answer_with(offered, identity)
        return await self.run(answer_of, self._stores, identity)

    async def run(self, function: Callable[_P, _R], *arguments: _P.args, **named: _P.kwargs) -> _R:
        """Run what asks the stores, in a thread where it has to wait for one.

        Args:
            function: called at once where no store has to be waited for, else in a thread.
            arguments: of the function.
            named: of the function, too.

        Returns:
            What it returns; what it raises is raised here.
        """
        if all(one.at_hand for one in self._stores.changes()):
            return function(*arguments, **named)
        return await aside(function, *arguments, **named)

    @property
    def _async_alone(self) -> AsyncReads | None:
        return self._async_reads if len(self._stores.changes()) == 1 else None

    def _marks(self) -> Marks:
        return tuple(one.mark() for one in self._stores.changes())
