"""The pool on a real Ray: what is run in it may crash, hang or be killed, and the next call works all the same."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.processes.liveness import gone
from support.processes.pool_calls import (
    Peculiar,
    abort,
    add,
    be_killed,
    count_calls,
    crash_the_first_time,
    exit_for_good,
    fail,
    fail_unsendably,
    follow_a_null_pointer,
    hang_in_c,
    hash_of_a_name,
    keep,
    length_of,
    make_a_lock,
    note,
    talk,
    threads_and_folder,
    wait_for,
)

from workers.pool.dispatcher import AHEAD_SECONDS
from workers.pool.failures import PoolFailed, WorkerLost
from workers.pool.ray_pool import Pool
from workers.pool.ray_start import SYSTEM_CONFIG

REPOSITORY = Path(__file__).parents[3]
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """`run(coroutine)` in one event loop for the whole file, in a process that has a Ray with four cores."""
    import ray

    ray.init(
        address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, _system_config=SYSTEM_CONFIG
    )  # fmt: skip
    with asyncio.Runner() as runner:
        yield runner.run
    ray.shutdown()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def pool(run: Run, logs: Path) -> Iterator[Pool]:
    """Two workers."""
    pool = Pool(jobs=2, log_dir=logs)
    run(pool.__aenter__())
    yield pool
    run(pool.__aexit__())


def both(run: Run, pool: Pool) -> set[int]:
    """The process ids of the two workers, once both are up."""

    async def ask() -> set[int]:
        seen: set[int] = set()
        while len(seen) < 2:
            seen.add(await pool.run(os.getpid, timeout_seconds=60))
        return seen

    return run(asyncio.wait_for(ask(), 120))


def test_returns_results(run: Run, pool: Pool) -> None:
    async def many() -> list[int]:
        calls = (pool.run(add, number, 1, timeout_seconds=60) for number in range(50))
        return await asyncio.gather(*calls)

    assert run(many()) == list(range(1, 51))


def test_workers_order_sets_of_names_alike_in_every_run(run: Run, pool: Pool) -> None:
    """Or the same model is lowered to operators in another order, and no recipe gives the evaluated program again."""
    alone = subprocess.run(
        [sys.executable, "-c", "print(hash('tosa_reshape_default'))"],
        env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run(pool.run(hash_of_a_name, timeout_seconds=60)) == int(alone.stdout)


def test_processes_stay_and_keep_what_they_have(run: Run, pool: Pool) -> None:
    async def many() -> list[tuple[int, int]]:
        return await asyncio.gather(*(pool.run(count_calls, timeout_seconds=60) for _ in range(40)))

    seen = run(many())
    by_process = {pid: [count for other, count in seen if other == pid] for pid, _ in seen}
    assert len(by_process) <= 2
    assert os.getpid() not in by_process
    for counts in by_process.values():
        assert sorted(counts) == list(range(min(counts), min(counts) + len(counts)))
    assert sum(map(len, by_process.values())) == 40


@pytest.mark.parametrize(
    ("function", "last_words"),
    [
        (follow_a_null_pointer, "Fatal Python error: Segmentation fault"),
        (abort, "terminate called after throwing; Fatal Python error: Aborted"),
        (exit_for_good, "exit"),
        (be_killed, "unexpectedly exits"),
    ],
)
def test_a_crash_costs_one_call(
    run: Run, pool: Pool, logs: Path, function: Callable[[], None], last_words: str
) -> None:
    with pytest.raises(WorkerLost) as lost:
        run(pool.run(function, timeout_seconds=60))
    assert (lost.value.kind, lost.value.attempts) == ("crashed", 2)
    assert last_words in lost.value.detail
    assert f"log: {logs}/worker-" in lost.value.detail
    assert "\n" not in str(lost.value)
    assert run(pool.run(add, 1, 2, timeout_seconds=60)) == 3


def test_a_hang_is_ended(run: Run, pool: Pool) -> None:
    before = both(run, pool)
    with pytest.raises(WorkerLost) as lost:
        run(pool.run(hang_in_c, timeout_seconds=0.5))
    assert (lost.value.kind, lost.value.attempts) == ("timed out", 2)
    assert "no answer within 0.5 s" in lost.value.detail
    assert run(pool.run(add, 1, 2, timeout_seconds=60)) == 3
    # Both tries cost a worker, and not the same one twice: the other was free before a new one was up.
    assert both(run, pool).isdisjoint(before)
    assert gone(before)


def test_a_second_try_may_succeed(run: Run, pool: Pool, tmp_path: Path) -> None:
    marker = tmp_path / "crashed"
    second = run(pool.run(crash_the_first_time, marker, timeout_seconds=60))
    assert second != int(marker.read_text())


def test_without_retries_the_first_crash_counts(run: Run, pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(WorkerLost) as lost:
        run(pool.run(crash_the_first_time, tmp_path / "crashed", timeout_seconds=60, retries=0))
    assert lost.value.attempts == 1


def test_a_worker_killed_from_outside_in_mid_task(run: Run, pool: Pool, tmp_path: Path) -> None:
    started, finish = tmp_path / "started", tmp_path / "finish"

    async def scenario() -> tuple[int, int]:
        call = asyncio.create_task(pool.run(wait_for, finish, started, timeout_seconds=60))
        while not (started.exists() and started.read_text()):
            await asyncio.sleep(0.01)
        first = int(started.read_text())
        os.kill(first, signal.SIGKILL)
        finish.touch()
        return first, await call

    first, second = run(scenario())
    assert first != second


@pytest.mark.parametrize("already_long", [True, False])
def test_calls_are_taken_up_in_order(run: Run, pool: Pool, tmp_path: Path, already_long: bool) -> None:
    """But one that was sent to wait behind a call that takes long, which nobody knows at first: another worker takes it
    over."""
    log, started, finish = (tmp_path / name for name in ("log", "started", "finish"))

    async def scenario() -> None:
        # With one of the two workers busy throughout, the other does all the rest.
        busy = asyncio.create_task(pool.run(wait_for, finish, started, timeout_seconds=60))
        while not started.exists():
            await asyncio.sleep(0.01)
        if already_long:
            await asyncio.sleep(2 * AHEAD_SECONDS)
        await asyncio.gather(*(pool.run(note, number, log, timeout_seconds=60) for number in range(30)))
        assert not busy.done()
        finish.touch()
        await busy

    both(run, pool)
    run(scenario())
    noted = log.read_text().split()
    if not already_long:
        noted.sort(key=int)
    assert noted == [str(number) for number in range(30)]


def test_the_functions_own_errors_pass_and_cost_no_process(run: Run, pool: Pool) -> None:
    before = both(run, pool)
    error: Exception
    for error in (Peculiar("as it was"), TimeoutError("not ours"), KeyError("name")):
        with pytest.raises(type(error)) as caught:
            run(pool.run(fail, error, timeout_seconds=60))
        assert type(caught.value) is type(error)
        assert caught.value.args == error.args
        assert "in fail" in caught.value.__notes__[-1]
    with pytest.raises(RuntimeError, match="Unsendable: 7 at here"):
        run(pool.run(fail_unsendably, timeout_seconds=60))
    with pytest.raises(TypeError, match="pickle"):
        run(pool.run(make_a_lock, timeout_seconds=60))
    assert both(run, pool) == before


def test_a_cancelled_call_is_stopped(run: Run, pool: Pool, tmp_path: Path) -> None:
    started, never = tmp_path / "started", tmp_path / "never"

    async def scenario() -> None:
        running = asyncio.create_task(pool.run(wait_for, never, started, timeout_seconds=600))
        while not (started.exists() and started.read_text()):
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    run(scenario())
    assert gone({int(started.read_text())})
    assert run(pool.run(add, 1, 2, timeout_seconds=60)) == 3


def test_a_call_cancelled_in_the_queue_takes_no_worker_along(run: Run, pool: Pool, tmp_path: Path) -> None:
    finish = tmp_path / "finish"

    async def scenario() -> list[int]:
        busy = [asyncio.create_task(pool.run(wait_for, finish, timeout_seconds=60)) for _ in range(2)]
        await asyncio.sleep(0.1)
        queued = [asyncio.create_task(pool.run(add, 0, 0, timeout_seconds=60)) for _ in range(3)]
        await asyncio.sleep(0.1)
        for call in queued:
            call.cancel()
        finish.touch()
        await asyncio.gather(*busy)
        return await asyncio.gather(*(pool.run(add, 1, 2, timeout_seconds=60) for _ in range(4)))

    assert run(scenario()) == [3, 3, 3, 3]


def test_a_shared_value_reaches_every_worker_and_outlives_them(run: Run, pool: Pool) -> None:
    shared = pool.share(bytes(10 * 2**20))
    for _ in range(2):
        assert run(pool.run(length_of, shared, timeout_seconds=60)) == 10 * 2**20
        with pytest.raises(WorkerLost):
            run(pool.run(be_killed, timeout_seconds=60))


def test_a_worker_that_has_grown_is_replaced_between_calls(run: Run, tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        async with Pool(jobs=1, log_dir=tmp_path, growth_bytes=200 * 2**20) as small:
            return [await small.run(keep, megabytes, timeout_seconds=60) for megabytes in (10, 300, 10, 10)]

    first, second, third, fourth = run(scenario())
    assert first == second != third == fourth


def test_what_workers_print_is_in_their_logs_only(
    run: Run, pool: Pool, logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(pool.run(talk, timeout_seconds=60))
    written = "".join(log.read_text() for log in logs.glob("worker-*.log"))
    assert "from python\nfrom below\nfrom a child\n" in written
    assert "from" not in "".join(capfd.readouterr())


def test_a_worker_uses_one_core_and_works_in_the_drivers_folder(run: Run, pool: Pool) -> None:
    assert run(pool.run(threads_and_folder, timeout_seconds=120)) == (1, str(Path.cwd()))


def test_workers_that_cannot_warm_up_end_the_pool_with_the_reason(run: Run, tmp_path: Path) -> None:
    async def scenario() -> list[BaseException | int]:
        async with Pool(jobs=2, log_dir=tmp_path, warm_up=fail_unsendably) as broken:
            calls = [broken.run(add, 1, 2, timeout_seconds=60) for _ in range(3)]
            return await asyncio.gather(*calls, return_exceptions=True)

    answers = run(scenario())
    assert [type(answer) for answer in answers] == [PoolFailed] * 3
    assert "no worker process starts: RuntimeError while warming up: Unsendable: 7" in str(answers[0])


def test_a_warm_up_that_cannot_be_sent_ends_the_pool_with_the_reason(run: Run, tmp_path: Path) -> None:
    async def scenario() -> list[BaseException | int]:
        async with Pool(jobs=1, log_dir=tmp_path, warm_up=threading.Lock().acquire) as broken:
            return await asyncio.gather(broken.run(add, 1, 2, timeout_seconds=60), return_exceptions=True)

    (answer,) = run(scenario())
    assert isinstance(answer, PoolFailed)
    assert "no worker process starts: TypeError: " in str(answer)


def test_a_worker_that_dies_warming_up_is_not_given_the_last_words_of_another(run: Run, tmp_path: Path) -> None:
    (tmp_path / "worker-0.log").write_text("Fatal Python error: of last night\n")

    async def scenario() -> int:
        async with Pool(jobs=1, log_dir=tmp_path, warm_up=be_killed) as broken:
            return await broken.run(add, 1, 2, timeout_seconds=60)

    with pytest.raises(PoolFailed) as failed:
        run(scenario())
    assert "last night" not in str(failed.value)


def test_a_closed_pool_takes_no_calls_and_leaves_no_processes(run: Run, tmp_path: Path) -> None:
    import ray

    async def scenario() -> tuple[Pool, int]:
        async with Pool(jobs=1, log_dir=tmp_path) as short:
            return short, await short.run(os.getpid, timeout_seconds=60)

    short, pid = run(scenario())
    assert gone({pid})
    assert ray.is_initialized()
    with pytest.raises(PoolFailed, match="closed"):
        run(short.run(add, 1, 2, timeout_seconds=60))
