"""An interrupted driver ends soon, whatever Ray is doing at that time."""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

#: From the first interrupt to the end of the process. Closing a pool takes 1 to 5 s; but Ray's driver looks for a head
#: that is gone for minutes, inside C++, where no Python handler runs. A busy machine needs seconds more to end it.
SECONDS_TO_END = 6.0


def run_interruptible(work: Coroutine[Any, Any, T], log_dir: Path) -> T:
    """`asyncio.run`, of which an interrupt is sure to be the end, from the first step of the work on.

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
            return await work

    return asyncio.run(watched())


@contextmanager
def ends_when_interrupted(log: Path) -> Iterator[None]:
    """After the first SIGINT inside the block the process has SECONDS_TO_END to end by itself, and then is ended, with
    exit code 1 and the stacks of all its threads in `log`. The second SIGINT ends it at once.

    What handled SIGINT before does so at the first one. Does nothing where SIGINT is ignored, as by a script's command
    in the background, and nothing outside of the main thread, which alone may say what signals do.
    """
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def first(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        log.parent.mkdir(parents=True, exist_ok=True)
        # A thread in C, which needs no Python to run. The file stays open as long as the process lives.
        faulthandler.dump_traceback_later(SECONDS_TO_END, exit=True, file=log.open("a", encoding="utf-8"))
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        if not interrupted:
            signal.signal(signal.SIGINT, before)
