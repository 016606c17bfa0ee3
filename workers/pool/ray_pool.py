"""A pool of worker processes that survives what is run in it.

Vela is C++ and may crash or hang. So candidates are compiled in Ray actors, never in the driver. Each actor is one
long-lived process with one task at a time. What a process has cached stays warm from call to call. An actor that dies
or does not answer is replaced and its call repeated. So one bad candidate costs one candidate.
"""

import asyncio
import gc
import logging
import math
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, TypeVarTuple

from workers.pool.dispatcher import Call, HandOut, Lost, Worker
from workers.pool.failures import PoolFailed, WorkerLost
from workers.pool.interrupts import ends_when_interrupted
from workers.pool.ray_connection import connect, one_line
from workers.pool.worker_process import (
    CRASH,
    Answer,
    WorkerProcess,
    environment,
    last_words,
    size_of,
    spare_the_collector,
)

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

_logger = logging.getLogger(__name__)

_START_SECONDS = 300.0
_START_ATTEMPTS = 2
# On a cluster, processes are killed that did nothing: nodes go, others fill the memory.
_CLUSTER_START_ATTEMPTS = 6
_KILLED_RETRIES = 5
# What a worker asks the cluster's scheduler for: what it holds when warm, and how much it may grow.
_WORKER_BYTES = 3 * 2**30
MOST_GROWTH_BYTES = 2 * 2**30
# A thread of the worker process besides the one that works.
_MAIL = "mail"


class Stored(Generic[Result]):
    """A value put once where all workers can fetch it; made by `Pool.share`, cheap to pass to `Pool.run`."""

    def __init__(self, reference: Any) -> None:
        # In a list: Ray fetches a reference that is an argument itself, whether it is needed or not.
        self._reference = [reference]

    def get(self) -> Result:
        """The value; copied to this process when it is asked for."""
        import ray

        value: Result = ray.get(self._reference[0])
        return value


class Pool:
    """Worker processes on this machine, or on a running Ray cluster, for as long as the block lasts.

    Example:
        async with Pool(jobs=2, log_dir=Path("out/logs"), warm_up=import_toolchain) as pool:
            costs = await asyncio.gather(*(pool.run(cost, each, timeout_seconds=60) for each in candidates))

    Enter it in the main thread: the kernel ends a local Ray with the thread that started it. A local Ray takes some 3
    seconds to start. The workers then start and warm up while the driver continues. It ends with the block, and also
    when the driver is killed.
    """

    def __init__(
        self,
        jobs: int | None,
        log_dir: Path,
        address: str | None = None,
        warm_up: Callable[[], object] | None = None,
        growth_bytes: int | None = None,
    ) -> None:
        """Start nothing until the block is entered.

        Args:
            jobs: number of worker processes; each uses one core. Those that a cluster has no room for wait for a node
                that joins it. None for as many as the cluster has cores.
            log_dir: gets one `worker-<number>.log` per worker with all that it printed, on the machine it ran on.
            address: `auto`, or `host:port` of a running cluster's head; None starts a Ray on this machine. If this
                process has joined a Ray already, that one is used and left running.
            warm_up: a module-level function that each worker calls first, to import what is slow to import.
            growth_bytes: a worker that holds so much more memory than after its warm-up is replaced between two calls.
                The reason is that Vela does not give everything back. By default 2 GiB, less if the machine has little
                memory.

        Raises:
            ValueError: the number of processes is below 1.
        """
        if jobs is not None and jobs < 1:
            raise ValueError(f"a pool needs at least one worker, not {jobs}")
        self.jobs = jobs or 0
        """Worker processes asked for; known once the block is entered."""
        self._log_dir = log_dir.absolute()
        self._address = address
        self._warm_up = warm_up
        self._given_growth_bytes = growth_bytes
        self._calls = HandOut(lambda answer: answer.grown_bytes > self._growth_bytes, self._replace)
        self._numbers = count()
        self._starting: set[asyncio.Task[None]] = set()
        self._missing: list[int] = []
        self._actors: dict[int, Any] = {}
        self._expected = self._up = 0
        self._failure: PoolFailed | None = None
        self._started_ray = False
        self._interrupts = ExitStack()
        self.busy_seconds = 0.0
        """Time that calls which came back took in their workers, all workers together."""

    async def __aenter__(self) -> Self:
        """Start Ray and begin to start the workers.

        Raises:
            PoolFailed: Ray does not start, or the cluster cannot be joined.
        """
        self._log_dir.mkdir(parents=True, exist_ok=True)
        import ray

        self._interrupts.enter_context(ends_when_interrupted(self._log_dir / "interrupted.log"))
        try:
            self._started_ray = connect(self._address, self.jobs)
        except BaseException:
            self._interrupts.close()
            raise
        spare_the_collector()
        if not self.jobs:
            self.jobs = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._expected = self.jobs
        for number in range(self.jobs):
            self._start(number)
        return self

    async def __aexit__(self, *_: object) -> None:
        import ray

        gc.unfreeze()
        self._failure = PoolFailed("the worker pool is closed")
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        self._calls.close()
        for actor in self._actors.values():
            ray.kill(actor)
        if self._started_ray:
            ray.shutdown()
        self._interrupts.close()

    async def run(
        self,
        function: Callable[[*Arguments], Result],
        *args: *Arguments,
        timeout_seconds: float,
        retries: int = 1,
    ) -> Result:
        """`function(*args)` in a worker. Calls are taken up in the order in which they were made.

        Args:
            function: a module-level function. It, its arguments and its result travel pickled.
            args: of the function.
            timeout_seconds: how long it may run; waiting for a free worker does not count.
            retries: how often to try again after a worker was lost; such a call goes first in line. On a cluster, a
                worker may be killed without any message of a crash. That is not counted for a few times.

        Returns:
            What it returns.

        Raises:
            WorkerLost: it crashed or outlasted every worker that tried it.
            PoolFailed: no worker can be started, or the pool is closed.
            Exception: what the function raised, as it raised it, with the worker's traceback as a note.
        """
        number, attempts, killed = next(self._numbers), 0, 0
        while True:
            if self._failure is not None:
                raise self._failure
            self._start_missing()
            call = Call(number, function, args, timeout_seconds, is_alone=attempts > 0)
            self._calls.enter(call)
            try:
                answer = await call.answer
            except Lost as lost:
                attempts += 1
                if self._failure is not None:
                    raise self._failure from None
                killed += lost.is_innocent and self._address is not None
                if attempts - min(killed, _KILLED_RETRIES) > retries:
                    raise WorkerLost(lost.kind, attempts, lost.detail) from None
                continue
            except asyncio.CancelledError:
                self._calls.leave(call)
                raise
            self.busy_seconds += answer.seconds
            if not answer.succeeded:
                raise answer.value
            result: Result = answer.value
            return result

    @cached_property
    def _growth_bytes(self) -> int:
        import ray

        if self._given_growth_bytes is not None:
            return self._given_growth_bytes
        memory = ray.cluster_resources().get("memory", math.inf)
        return int(min(MOST_GROWTH_BYTES, 0.4 * memory / self.jobs))

    def share(self, value: Result) -> Stored[Result]:
        """Put a value that many calls need where workers can fetch it, while the pool lasts."""
        import ray

        return Stored(ray.put(value))

    def _replace(self, worker: Worker) -> None:
        if self._failure is not None:
            return  # Ray may be gone, and the worker with it
        import ray

        ray.kill(self._actors[worker.number])
        self._up -= 1
        # Not at once: when the driver is interrupted all calls are cancelled, nobody waits or calls again, and a
        # process that is just being started when Ray is shut down holds that up.
        self._missing.append(worker.number)
        if self._calls.is_waited_for():
            self._start_missing()

    def _start_missing(self) -> None:
        while self._missing:
            self._start(self._missing.pop())

    def _start(self, number: int) -> None:
        task = asyncio.create_task(self._bring_up(number))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _bring_up(self, number: int) -> None:
        import ray

        left = _START_ATTEMPTS if self._address is None else _CLUSTER_START_ATTEMPTS
        while left:
            try:
                worker = self._launch(number)
                await worker.prepare(self._warm_up)
            except Lost as lost:
                ray.kill(worker.actor)
                reason, left = lost.detail, left - 1
                if lost.kind == "timed out":
                    reason += f" (are there {self.jobs} free CPUs?)"
                    if self._address is None or not self._up:
                        break
                    left += 1  # the others go on; a node may join
                elif not lost.is_innocent:
                    left = min(left, _START_ATTEMPTS - 1)
            except Exception as error:  # whatever Ray raises of what it is to start; callers would wait for ever
                reason = f"{type(error).__name__}: {one_line(error)}"
                break
            else:
                self._up += 1
                self._calls.add(worker)
                return
        _logger.warning("worker %d does not start: %s", number, reason)
        self._expected -= 1
        if self._expected == 0:
            self._failure = PoolFailed(f"no worker process starts: {reason}")
            self._calls.fail(self._failure)

    def _launch(self, number: int) -> "_Actor":
        import ray

        how = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, "concurrency_groups": {_MAIL: 1}}
        actor_class = ray.remote(**how)(RayWorkerProcess)
        room = {} if self._address is None else {"memory": _WORKER_BYTES}
        actor = actor_class.options(runtime_env={"env_vars": environment()}, **room).remote()
        self._actors[number] = actor
        return _Actor(number, actor, self._log_dir / f"worker-{number}.log")


class _Actor(Worker):
    """The driver's side of one worker process."""

    def __init__(self, number: int, actor: Any, log: Path) -> None:
        super().__init__(number)
        self.actor = actor
        self._log = log
        self._printed_bytes = 0  # before what it does now
        self._numbers: dict[asyncio.Future[Answer], int] = {}  # of what it was sent
        self._next = count()

    async def prepare(self, warm_up: Callable[[], object] | None) -> None:
        self._printed_bytes = size_of(self._log)  # the last words of those before it are not its own
        reference = self.actor.prepare.remote(str(self._log), str(Path.cwd()), warm_up)
        try:
            async with asyncio.timeout(_START_SECONDS):
                answer = await self._answer(reference)
        except TimeoutError:
            raise self._timed_out(_START_SECONDS) from None
        if not answer.succeeded:
            raise Lost("crashed", f"{type(answer.value).__name__} while warming up: {one_line(answer.value)}")

    def ask(self, call: Call) -> asyncio.Future[Answer]:
        number = next(self._next)
        reference = self.actor.call_in_turn.remote(number, call.function, call.args)
        asked = asyncio.ensure_future(self._answer(reference))
        self._numbers[asked] = number
        asked.add_done_callback(self._numbers.pop)
        return asked

    def withdraw(self, asked: asyncio.Future[Answer]) -> None:
        # Not by `ray.cancel`: where a call is still on its way, Ray 2.60's actor waits for it for half a minute.
        self.actor.withdraw.options(concurrency_group=_MAIL).remote(self._numbers[asked])

    def too_late(self, call: Call) -> Lost:
        return self._timed_out(call.timeout_seconds)

    def _timed_out(self, seconds: float) -> Lost:
        return Lost("timed out", f"no answer within {seconds:g} s; log: {self._log}")

    async def _answer(self, reference: Any) -> Answer:
        from ray.exceptions import RayError, RayTaskError

        try:
            answer: Answer | None = await reference
        except RayTaskError as error:
            # Not the function's own error, which is an answer: arguments or result do not travel.
            return Answer(False, error.cause, 0, 0.0)
        except RayError as error:
            words = last_words(self._log, self._printed_bytes) or _reason(error)
            raise Lost("crashed", f"{words}; log: {self._log}", is_innocent=CRASH not in words) from None
        if answer is None:
            raise asyncio.CancelledError
        self._printed_bytes = answer.printed_bytes
        return answer


class RayWorkerProcess(WorkerProcess):
    """The class of a Ray actor.

    A request waits in the process for its turn, and can be withdrawn until then.
    """

    def __init__(self) -> None:
        super().__init__()
        self._withdrawn: set[int] = set()

    def withdraw(self, number: int) -> None:
        """A call is not to be done; too late if it has begun."""
        self._withdrawn.add(number)

    def call_in_turn(self, number: int, function: Callable[..., object], args: tuple[object, ...]) -> Answer | None:
        """`call`, unless the call was withdrawn.

        Args:
            number: of the call.
            function: what to do.
            args: of the function.

        Returns:
            The answer; None if it was withdrawn.
        """
        return None if number in self._withdrawn else self.call(function, args)


def _reason(error: Exception) -> str:
    detail = re.search(r"Worker exit detail: (.*?\.)(\s|$)", str(error))
    return detail.group(1) if detail else one_line(error)
