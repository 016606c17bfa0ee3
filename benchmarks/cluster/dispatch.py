"""What it costs the driver to keep many evaluators busy.

    python -m benchmarks.cluster.dispatch

Evaluations that sleep for 50 ms stand in for real ones, so that only the dispatcher works. First a simulation: the
pool's own dispatch over 1 to 1,000 stand-ins inside this process, without Ray. Then real Ray workers, one per core.

Printed for each: the driver's processor time per evaluation, and the busy part of the evaluators' time. The second
means something on a quiet machine only.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Self

from workers.pool.dispatcher import Call, Lost, Worker
from workers.pool.ray_pool import Pool
from workers.pool.worker_process import Answer

SECONDS = 0.05


def sleep() -> None:
    """What a real worker is asked for."""
    time.sleep(SECONDS)


class StandIn(Worker):
    """Takes the place of a worker process. It answers after as long, one call after the other, inside the driver."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._at_work = asyncio.Lock()

    def ask(self, call: Call) -> asyncio.Future[Answer]:
        return asyncio.ensure_future(self._do())

    async def _do(self) -> Answer:
        async with self._at_work:
            await asyncio.sleep(SECONDS)
        return Answer(True, None, 0, SECONDS)

    def withdraw(self, asked: asyncio.Future[Answer]) -> None:
        asked.cancel()

    def too_late(self, call: Call) -> Lost:
        return Lost("timed out", "a stand-in")


class SimulatedPool(Pool):
    """The pool's queue and hand-out over stand-ins; nothing of it reaches Ray."""

    async def __aenter__(self) -> Self:
        for number in range(self.jobs):
            self._calls.add(StandIn(number))
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


async def measured(pool: Pool, evaluations: int) -> tuple[float, float]:
    """Milliseconds of the driver's processor time per evaluation, and the busy part of the evaluators' time."""
    await pool.run(sleep, timeout_seconds=600)  # what is imported by then is imported once
    began, used = time.monotonic(), time.process_time()
    await asyncio.gather(*(pool.run(sleep, timeout_seconds=600) for _ in range(evaluations)))
    seconds, used = time.monotonic() - began, time.process_time() - used
    return 1000 * used / evaluations, evaluations * SECONDS / (seconds * pool.jobs)


async def main() -> None:
    print("| evaluators | evaluations | driver, ms per evaluation | busy |")  # noqa: T201
    print("| --- | ---: | ---: | ---: |")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for evaluators in (1, 10, 100, 1000):
            async with SimulatedPool(evaluators, Path(folder), growth_bytes=2**40) as pool:
                _row(f"{evaluators} (simulated)", 40 * evaluators, *await measured(pool, 40 * evaluators))
        cores = os.cpu_count() or 1
        async with Pool(cores, Path(folder)) as pool:
            await asyncio.gather(*(pool.run(sleep, timeout_seconds=60) for _ in range(20 * cores)))  # they are up
            _row(f"{cores} (Ray, one per core)", 200 * cores, *await measured(pool, 200 * cores))


def _row(what: str, evaluations: int, milliseconds: float, busy: float) -> None:
    print(f"| {what} | {evaluations:,} | {milliseconds:.2f} | {busy:.0%} |")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
