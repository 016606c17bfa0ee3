"""Jobs run in processes of their own: whatever becomes of one, the service goes on, and no job is lost."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.processes.service_stand_in import made

from results.service.jobs.events import follow
from results.service.jobs.jobs import ENDED, Job, Jobs, QueueFull
from results.service.service import Service

REQUEST = {"model": "net", "target": "ethos-u55-128", "board": {}}


@asynccontextmanager
async def supervised(service: Service) -> AsyncIterator[None]:
    task = asyncio.create_task(service.supervisor.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def until(jobs: Jobs, id: str, fits: Callable[[Job], bool]) -> Job:
    for _ in range(600):
        found = jobs.find(id)
        assert found is not None
        if fits(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"the job is {found}")


async def ended(jobs: Jobs, id: str) -> Job:
    return await until(jobs, id, lambda job: job.state in ENDED)


def add(service: Service, what: str | None = None) -> str:
    return service.jobs.add({**REQUEST, "board": {"what": what} if what else {}}, "me", 100).id


def test_whatever_a_job_does_the_next_one_runs(tmp_path):
    async def run() -> dict[str, Job]:
        with made(tmp_path) as service:
            ids = {what: add(service, what) for what in ("crash", "nonsense", "error", None)}
            async with supervised(service):
                return {str(what): await ended(service.jobs, id) for what, id in ids.items()}

    found = asyncio.run(run())
    assert {what: job.state for what, job in found.items()} == {
        "crash": "failed", "nonsense": "failed", "error": "failed", "None": "done",
    }  # fmt: skip
    assert found["crash"].reason == "its process was killed by signal 11"
    assert found["nonsense"].reason == "its process ended with status 0"
    assert found["error"].reason == "it does not fit"
    assert found["None"].identity == "0" * 64 and found["None"].attempts == 1


def test_it_ends_also_where_it_is_cancelled_in_the_moment_that_it_is_woken(tmp_path):
    async def run() -> bool:
        with made(tmp_path) as service:
            task = asyncio.create_task(service.supervisor.run())
            await asyncio.sleep(0.5)
            service.supervisor.wake()
            task.cancel()
            await asyncio.wait((task,), timeout=10)
            return task.done()

    assert asyncio.run(run())


def test_a_running_job_is_cancelled_and_a_waiting_one_too(tmp_path):
    async def run() -> list[str]:
        with made(tmp_path) as service:
            first, second = add(service, "wait"), add(service, "wait")
            async with supervised(service):
                pid = await process_of(service, first)
                assert service.jobs.ask_to_cancel(second) == "cancelled"
                assert service.jobs.ask_to_cancel(first) == "cancelling"
                service.supervisor.cancel(first)
                states = [(await ended(service.jobs, id)).state for id in (first, second)]
                assert not Path(f"/proc/{pid}").exists()
                return states

    assert asyncio.run(run()) == ["cancelled", "cancelled"]


def test_a_job_is_cancelled_in_the_moment_that_it_starts(tmp_path, monkeypatch):
    async def run() -> str:
        with made(tmp_path) as service:
            id = add(service, "wait")
            start_next = service.jobs.start_next

            def cancelled_at_once() -> Job | None:
                started = start_next()
                if started is not None:
                    assert service.jobs.ask_to_cancel(id) == "cancelling"
                    service.supervisor.cancel(id)
                return started

            monkeypatch.setattr(service.jobs, "start_next", cancelled_at_once)
            async with supervised(service):
                return (await ended(service.jobs, id)).state

    assert asyncio.run(run()) == "cancelled"


def test_a_job_that_stopped_with_the_service_goes_on_with_the_next_one(tmp_path):
    async def interrupted() -> tuple[str, int]:
        with made(tmp_path) as service:
            id = add(service, "wait")
            async with supervised(service):
                return id, await process_of(service, id)

    id, pid = asyncio.run(interrupted())
    assert not Path(f"/proc/{pid}").exists(), "nobody is left behind"

    async def again() -> Job:
        with made(tmp_path) as service:
            kept = service.jobs.find(id)
            assert kept is not None and (kept.state, kept.attempts) == ("queued", 0)
            async with supervised(service):
                return await until(service.jobs, id, lambda job: job.state == "running")

    assert asyncio.run(again()).attempts == 1


def test_what_a_dead_service_ran_waits_again_in_its_old_place_but_not_for_ever(tmp_path):
    with made(tmp_path) as service:
        jobs = service.jobs
        first, second, stopped = (add(service) for _ in range(3))
        jobs.ask_to_cancel(stopped)
        for attempt in range(1, 6):
            started = jobs.start_next()
            assert started is not None and (started.id, started.attempts) == (first, attempt)
            Jobs(service.state).recover()  # as a service that starts anew does
        failed = jobs.find(first)
        assert failed is not None and failed.state == "failed" and "5 times" in failed.reason
        cancelling = jobs.start_next()
        assert cancelling is not None and cancelling.id == second
        jobs.ask_to_cancel(second)
        jobs.recover()
        assert {job.id: job.state for job in jobs.newest(10)}[second] == "cancelled"


def test_the_queue_is_bounded(tmp_path):
    with made(tmp_path) as service:
        for _ in range(3):
            service.jobs.add(REQUEST, "me", most_queued=3)
        with pytest.raises(QueueFull):
            service.jobs.add(REQUEST, "me", most_queued=3)


def test_events_come_whole_and_go_on_where_one_left(tmp_path):
    path = tmp_path / "events.jsonl"

    async def run() -> None:
        ends: list[str] = []
        events = follow(path, 0, lambda: ends[0] if ends else None)
        path.write_text('{"event": "lowering"}\n{"event": "evalu')
        assert await anext(events) == b'event: lowering\ndata: {"event": "lowering"}\nid: 1\n\n'
        with path.open("a") as file:
            file.write('ated"}\nnonsense\n')
        assert await anext(events) == b'event: evaluated\ndata: {"event": "evaluated"}\nid: 2\n\n'
        assert await anext(events) == b"event: damaged\ndata: nonsense\nid: 3\n\n"
        ends.append("{}")
        assert await anext(events) == b"event: end\ndata: {}\n\n"
        later = [event async for event in follow(path, 2, lambda: "{}")]
        assert [event.split(b"\n")[0] for event in later] == [b"event: damaged", b"event: end"]

    asyncio.run(run())


async def process_of(service: Service, id: str) -> int:
    path = service.jobs.folder(id) / "pid"
    deadline = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    pid = int(path.read_text())
    os.kill(pid, 0)
    return pid
