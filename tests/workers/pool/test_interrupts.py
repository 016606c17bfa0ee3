"""A command's work that is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import pathlib, sys, time
from workers.pool.interrupts import run_interruptible
async def work():
    print("up", flush=True)
    while True:  # without a step at which asyncio could cancel it
        time.sleep(0.1)
run_interruptible(work(), pathlib.Path(sys.argv[1]))
"""


@pytest.mark.parametrize(("interrupts", "status"), [(1, 1), (2, -signal.SIGINT)])
def test_work_that_never_waits_ends_when_interrupted(tmp_path: Path, interrupts: int, status: int) -> None:
    logs = tmp_path / "logs"
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(logs)], stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        os.kill(process.pid, signal.SIGINT)
        if interrupts == 2:
            while not (logs / "interrupted.log").exists():  # what handled the first one opened it
                pass
            os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == status
    finally:
        process.kill()
        process.wait()
    assert ("in work" in (logs / "interrupted.log").read_text()) == (interrupts == 1)
