"""A command's work that is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes.liveness import gone

from workers.pool.interrupts import ends_when_interrupted

_SCRIPT = """
import ctypes, hashlib, pathlib, subprocess, sys, time
from workers.pool.interrupts import run_interruptible
async def work():
    child = subprocess.Popen(["sleep", "1000"])
    print(child.pid, flush=True)
    while True:  # without a step at which asyncio could cancel it
        {step}
run_interruptible(work(), pathlib.Path(sys.argv[1]))
"""

#: In Python, where handlers of signals run; in C, where they have to wait; and where no other thread runs either.
_STEPS = {
    "Python": "time.sleep(0.1)",
    "C": 'hashlib.pbkdf2_hmac("sha256", b"a", b"b", 2**31 - 1)',
    "C with the interpreter's lock": "lock = ctypes.create_string_buffer(64); "
    "[ctypes.PyDLL(None).pthread_mutex_lock(lock) for _ in range(2)]",
}


@pytest.mark.parametrize("interrupts", [1, 2])
@pytest.mark.parametrize("step", _STEPS)
def test_work_that_never_waits_ends_when_interrupted(tmp_path: Path, step: str, interrupts: int) -> None:
    logs = tmp_path / "logs"
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT.format(step=_STEPS[step]), str(logs)], stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGINT)
        if interrupts == 2:
            while not (logs / "interrupted.log").exists():  # what counted the first one made it
                pass
            os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert ("in work" in (logs / "interrupted.log").read_text()) == (interrupts == 1)
    assert gone({child})


def test_what_handled_interrupts_before_does_so_after_the_block(tmp_path: Path) -> None:
    found = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    wakeup = signal.set_wakeup_fd(-1)
    try:
        with ends_when_interrupted(tmp_path / "interrupted.log"), ends_when_interrupted(tmp_path / "inner.log"):
            assert signal.getsignal(signal.SIGINT) != signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
        assert signal.set_wakeup_fd(wakeup) == -1
    finally:
        signal.signal(signal.SIGINT, found)
    assert not list(tmp_path.iterdir())
