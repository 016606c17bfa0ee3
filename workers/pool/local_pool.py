"""Subprocess workers without Ray, for short tasks for which Ray's start does not pay.

What crashes or hangs here costs its own call, as in `workers.pool.ray_pool`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
import threading
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, Literal, Self, TypeVar, TypeVarTuple

from workers.pool.dispatcher import Lost
from workers.pool.failures import PoolFailed, WorkerLost
from workers.pool.ray_pool import MOST_GROWTH_BYTES
from workers.pool.worker_process import Answer, WorkerProcess, environment, last_words, size_of

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

_ATTEMPTS = 2
_START_SECONDS = 300.0
_LENGTH_BYTES = 8


class LocalPool:
    """Processes on this machine, for the duration of the block.

    Each is started when a call finds none idle.

    They end with the block, and also when the driver is killed.
    """

    def __init__(self, most: int, log_dir: Path, warm_up: Callable[[], object]) -> None:
        """Start no process yet.

        Args:
            most: processes at once.
            log_dir: gets one `plain-<number>.log` per process with all that it printed.
            warm_up: a module-level function that each calls first.
        """
        self._log_dir, self._warm_up = log_dir.absolute(), warm_up
        self._free = list(range(most))
        self._places = asyncio.Semaphore(most)
        self._processes: dict[int, _Served] = {}

    async def __aenter__(self) -> Self:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*map(self._end, list(self._processes)))

    async def run(self, function: Callable[[*Arguments], Result], *args: *Arguments, timeout_seconds: float) -> Result:
        """`function(*args)` in a process; tried again in another one if the first is lost.

        Args:
            function: a module-level function. It, its arguments and its result travel pickled.
            args: of the function.
            timeout_seconds: how long it may run; waiting for a process does not count.

        Returns:
            What it returns.

        Raises:
            WorkerLost: it crashed or outlasted two processes.
            PoolFailed: a process does not start, or does not warm up.
            Exception: what the function raised.
        """
        async with self._places:
            number = self._free.pop()
            try:
                answer = await self._answer(number, (function, args), timeout_seconds)
                if answer.grown_bytes > MOST_GROWTH_BYTES:
                    await self._end(number)
            except BaseException:
                await self._end(number)  # the caller may be gone, and its call not
                raise
            finally:
                self._free.append(number)
        if not answer.succeeded:
            raise answer.value
        result: Result = answer.value
        return result

    async def _answer(self, number: int, asked: tuple[object, ...], timeout_seconds: float) -> Answer:
        attempts = 0
        while True:
            process = self._processes.get(number) or await self._start(number)
            attempts += 1
            try:
                return await process.ask("call", asked, timeout_seconds)
            except Lost as lost:
                await self._end(number)
                if attempts == _ATTEMPTS:
                    raise WorkerLost(lost.kind, attempts, lost.detail) from None

    async def _start(self, number: int) -> _Served:
        log = self._log_dir / f"plain-{number}.log"
        try:
            process = self._processes[number] = await _Served.start(log)
            answer = await process.ask("prepare", (str(log), str(Path.cwd()), self._warm_up), _START_SECONDS)
        except (OSError, Lost) as error:
            raise PoolFailed(f"no worker process starts: {error}") from error
        if not answer.succeeded:
            raise PoolFailed(f"no worker process starts: {type(answer.value).__name__}: {answer.value}")
        return process

    async def _end(self, number: int) -> None:
        process = self._processes.pop(number, None)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.process.pid, signal.SIGKILL)
            await process.process.wait()


class _Served:
    """The driver's side of one process."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process, self._log = process, log

    @classmethod
    async def start(cls, log: Path) -> Self:
        with log.open("ab") as file:
            # -P: a working folder with somebody's file in it is no place to import from.
            return cls(await create_subprocess_exec(
                sys.executable, "-P", "-m", "workers.pool.local_pool", env=os.environ | environment(),
                stdin=PIPE, stdout=PIPE, stderr=file, start_new_session=True,
            ), log)  # fmt: skip

    async def ask(self, method: Literal["call", "prepare"], args: tuple[object, ...], timeout_seconds: float) -> Answer:
        """What `WorkerProcess` answers. Raises Lost."""
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exchanged(pickle.dumps((method, args)))
        except TimeoutError:
            raise Lost("timed out", f"no answer within {timeout_seconds:g} s; log: {self._log}") from None

    async def _exchanged(self, message: bytes) -> Answer:
        asked, answers = self.process.stdin, self.process.stdout
        assert asked is not None and answers is not None
        said_before = size_of(self._log)
        try:
            asked.write(len(message).to_bytes(_LENGTH_BYTES, "little") + message)
            await asked.drain()
            length = int.from_bytes(await answers.readexactly(_LENGTH_BYTES), "little")
            answer: Answer = pickle.loads(await answers.readexactly(length))  # noqa: S301 (from our own process)
        except (EOFError, ConnectionError):
            status = await self.process.wait()
            words = last_words(self._log, said_before) or f"it ended with status {status}"
            raise Lost("crashed", f"{words}; log: {self._log}") from None
        return answer


def main() -> None:
    """The process's side: answer what is asked on standard input, one thing at a time, until it ends."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a model's own code has nothing to read here
    messages: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(asked, messages), daemon=True).start()
    process = WorkerProcess()
    while True:
        method, args = pickle.loads(messages.get())  # noqa: S301 (from the driver)
        message = pickle.dumps(getattr(process, method)(*args))
        answers.write(len(message).to_bytes(_LENGTH_BYTES, "little") + message)
        answers.flush()


def _receive(asked: BinaryIO, messages: SimpleQueue[bytes]) -> None:
    """In a thread, so that the process ends with the driver, whatever it is busy with."""
    while length := asked.read(_LENGTH_BYTES):
        messages.put(asked.read(int.from_bytes(length, "little")))
    os._exit(0)


if __name__ == "__main__":
    main()
