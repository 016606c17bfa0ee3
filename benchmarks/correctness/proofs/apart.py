"""Runs functions in new processes, which have executed nothing yet and end with the calling process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from tuner.paths import cache_folder
from workers.pool.local_pool import LocalPool
from workers.tasks import warm_up

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

#: The slowest lowering of the suite takes minutes on a busy machine.
_SECONDS = 3600.0


def apart(function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    """What a module-level function gives in a new process that has one core.

    The process is started, not forked. A fork of a process in which PyTorch has computed something waits for ever for
    PyTorch's threads.

    Raises what the function raises, and WorkerLost if the process crashes.
    """

    async def result() -> Result:
        async with LocalPool(1, cache_folder() / "logs", warm_up) as pool:
            return await pool.run(function, *arguments, timeout_seconds=_SECONDS)

    return asyncio.run(result())
