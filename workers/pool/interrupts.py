"""An interrupted driver ends soon, whatever Ray is doing at that time."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from workers.pool import interrupt_watch

T = TypeVar("T")

#: From the first interrupt to the end of the process. Closing a pool takes 1 to 5 s; but Ray's driver looks for a head
#: that is gone for minutes, inside C++, where no Python handler runs. A busy machine needs seconds more to end it.
SECONDS_TO_END = 6.0


def run_interruptible(work: Coroutine[Any, Any, T], log_dir: Path) -> T:
    """`asyncio.run` that an interrupt surely ends, from the first step of the work on.

    asyncio cancels the work at the first SIGINT, and that shows where the work awaits next. While Ray starts, that is
    seconds later, and a second SIGINT would be raised inside of Ray.

    Args:
        work: what to run.
        log_dir: gets `interrupted.log` with the stacks of a process that does not end by itself. It may be missing.

    Returns:
        What the work returns.

    Raises:
        KeyboardInterrupt: it was interrupted.
        Exception: whatever the work raises.
    """

    async def watched() -> T:
        with ends_when_interrupted(log_dir / "interrupted.log"):
            try:
                await asyncio.sleep(0)  # what was interrupted while the watch began ends here
            except asyncio.CancelledError:
                work.close()
                raise
            return await work

    return asyncio.run(watched())


@contextmanager
def ends_when_interrupted(log: Path) -> Iterator[None]:
    """After the first SIGINT inside the block the process has SECONDS_TO_END to end by itself. Then it is killed, with
    the stacks of all its threads in `log`. The second SIGINT ends it at once. The processes that it started are killed
    with it. `workers.pool.interrupt_watch` does that, beside the process.

    What handled SIGINT before does so at the first one. Does nothing inside another such block, or where SIGINT is
    ignored, as by a script's background command. It also does nothing outside of the main thread, which alone may say
    what signals do.
    """
    before = signal.getsignal(signal.SIGINT)
    inside = isinstance(getattr(before, "__self__", None), _Once)
    if inside or before == signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers, write = os.pipe()
    os.set_blocking(write, False)
    # Open as long as an interrupted process lives.
    stacks = tempfile.TemporaryFile()  # noqa: SIM115
    faulthandler.register(interrupt_watch.STACKS, file=stacks, all_threads=True)
    # The pipe keeps what comes before the watch reads it.
    wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    first = _Once(before)
    signal.signal(signal.SIGINT, first.hand_on)
    arguments = (os.getpid(), SECONDS_TO_END, log.absolute(), stacks.fileno())
    watch = subprocess.Popen(
        [sys.executable, "-I", "-S", interrupt_watch.__file__, *map(str, arguments)],
        stdin=numbers, pass_fds=[stacks.fileno()], start_new_session=True,
    )  # fmt: skip
    os.close(numbers)
    try:
        yield
    finally:
        # An interrupted process is still watched when it leaves the block: Ray's own end may hang as well.
        if not first.done:
            signal.signal(signal.SIGINT, before)
            signal.set_wakeup_fd(wakeup)
            os.close(write)
            watch.kill()
            watch.wait()
            faulthandler.unregister(interrupt_watch.STACKS)
            stacks.close()


class _Once:
    """Handles the first SIGINT as it was handled before, and no other."""

    def __init__(self, before: Any) -> None:
        self._before = before
        self.done = False

    def hand_on(self, number: int, frame: FrameType | None) -> None:
        first, self.done = not self.done, True
        if first and callable(self._before):
            self._before(number, frame)
