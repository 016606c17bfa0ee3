"""Plain worker processes: what is run in them may crash or hang, and the next call works all the same."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from support.processes.liveness import gone, is_alive
from support.processes.pool_calls import (
    abort,
    add,
    crash_the_first_time,
    fail,
    hang_in_c,
    hash_of_a_name,
    nothing,
    talk,
)

from workers.pool.failures import PoolFailed, WorkerLost
from workers.pool.local_pool import LocalPool

Result = TypeVar("Result")


def in_a_pool(most: int, logs: Path, work: Callable[[LocalPool], Awaitable[Result]]) -> Result:
    async def block() -> Result:
        async with LocalPool(most, logs, nothing) as pool:
            return await work(pool)

    return asyncio.run(block())


def test_processes_are_used_again_and_end_with_the_block(tmp_path: Path) -> None:
    async def work(pool: LocalPool) -> tuple[list[int], set[int]]:
        sums = await asyncio.gather(*(pool.run(add, number, 1, timeout_seconds=60) for number in range(20)))
        return sums, {await pool.run(os.getpid, timeout_seconds=60) for _ in range(4)}

    sums, pids = in_a_pool(2, tmp_path, work)
    assert sums == list(range(1, 21))
    assert len(pids) == 1  # those that wait lie on a stack: a process that is not needed is not started
    assert gone(pids)


def test_what_crashes_or_hangs_costs_its_own_call(tmp_path: Path) -> None:
    async def work(pool: LocalPool) -> tuple[list[object], int]:
        calls = (
            pool.run(abort, timeout_seconds=60),
            pool.run(add, 1, 2, timeout_seconds=60),
            pool.run(hang_in_c, timeout_seconds=0.3),
            pool.run(crash_the_first_time, tmp_path / "pid", timeout_seconds=60),
            pool.run(fail, ValueError("said so"), timeout_seconds=60),
            pool.run(sys.exit, 3, timeout_seconds=60),
        )
        came = await asyncio.gather(*calls, return_exceptions=True)
        return list(came), await pool.run(add, 2, 2, timeout_seconds=60)

    (aborted, three, hung, second, failed, left), four = in_a_pool(1, tmp_path, work)
    assert isinstance(aborted, WorkerLost)
    assert (aborted.kind, aborted.attempts) == ("crashed", 2)
    assert "terminate called after throwing; Fatal Python error: Aborted" in str(aborted)
    assert isinstance(hung, WorkerLost)
    assert hung.kind == "timed out"
    assert isinstance(left, WorkerLost)
    assert "status 3" in left.detail
    assert isinstance(failed, ValueError)
    assert "in the worker" in failed.__notes__[0]
    assert second != int((tmp_path / "pid").read_text())
    assert (three, four) == (3, 4)


def test_processes_are_as_those_of_the_other_pool(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def work(pool: LocalPool) -> int:
        await pool.run(talk, timeout_seconds=60)
        return await pool.run(hash_of_a_name, timeout_seconds=60)

    assert in_a_pool(1, tmp_path, work) == int(
        subprocess.check_output(
            [sys.executable, "-c", "print(hash('tosa_reshape_default'))"], env={**os.environ, "PYTHONHASHSEED": "0"}
        )
    )
    assert (tmp_path / "plain-0.log").read_text().split("\n")[:3] == ["from python", "from below", "from a child"]
    assert capfd.readouterr() == ("", "")


def test_a_warm_up_that_fails_ends_it_all(tmp_path: Path) -> None:
    async def block() -> None:
        async with LocalPool(1, tmp_path, abort) as pool:
            await pool.run(add, 1, 1, timeout_seconds=60)

    with pytest.raises(PoolFailed, match="Fatal Python error"):
        asyncio.run(block())


DRIVER = """
import asyncio, sys
from pathlib import Path
from support.processes.pool_calls import nothing, wait_for
from workers.pool.local_pool import LocalPool

async def main():
    async with LocalPool(1, Path(), nothing) as pool:
        await pool.run(wait_for, Path("never"), Path("started"), timeout_seconds=600)

asyncio.run(main())
"""


def test_they_end_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], cwd=tmp_path, env=environment)
    started = tmp_path / "started"
    while not (started.exists() and started.read_text()):
        assert driver.poll() is None
        time.sleep(0.02)
    pid = int(started.read_text())
    assert is_alive(pid)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert gone({pid})
