"""Ends an interrupted process and its descendants.

It is a script that runs in a process of its own, on the standard library only.

Nothing runs in a process while C++ holds its interpreter's lock, as Ray's driver does for seconds. But Python writes
the number of each signal to a pipe from C, at once. The other end of the pipe is this script's standard input.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path

#: The process writes the stacks of all its threads when it gets this one.
STACKS = signal.SIGUSR2

#: Seconds in which it writes them.
_WRITING = 0.3


def main(pid: int, seconds: float, log: Path, stacks: int) -> None:
    """Wait for the first SIGINT, then for the second, the end of the time or of the process.

    Args:
        pid: of the process.
        seconds: from the first SIGINT on, in which the process may end by itself.
        log: exists from the first SIGINT on. It gets the stacks of a process that does not end by itself.
        stacks: descriptor of the file that the process writes its stacks to.
    """
    if _wait(None) != "interrupted":
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    event = _wait(seconds)
    with contextlib.suppress(ProcessLookupError):  # it has ended at this moment
        if event == "time":
            os.kill(pid, STACKS)
            time.sleep(_WRITING)
            with log.open("ab") as file:
                file.write(os.pread(stacks, 1 << 20, 0))
        if event != "over":
            _kill(pid)


def _wait(seconds: float | None) -> str:
    """What comes first: `interrupted`, the end of the `time`, or `over` if nothing writes to the pipe any more."""
    while select.select([0], [], [], seconds)[0]:
        number = os.read(0, 1)
        if not number:
            return "over"
        if number == bytes([signal.SIGINT]):
            return "interrupted"
    return "time"


def _kill(pid: int) -> None:
    """Kill a process and its descendants. Ray has the kernel end its processes with their parent, but one that is just
    starting has not asked for it yet."""
    os.kill(pid, signal.SIGSTOP)  # so that it starts no more of them
    pids = [pid]
    for one in pids:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                pids += map(int, (task / "children").read_text(encoding="ascii").split())
    for one in pids:
        if one != os.getpid():
            with contextlib.suppress(OSError):
                os.kill(one, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
