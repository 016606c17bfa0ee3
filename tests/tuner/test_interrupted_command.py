"""A command that is interrupted says so and is gone, whatever libraries want to do at the end of the interpreter."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import atexit, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from tuner import cli
@cli.cli.command()
def wait():
    atexit.register(print, "the end of the interpreter")
    print("up", flush=True)
    time.sleep(60)
sys.argv[1:] = ["wait"]
cli.main()
"""


def test_an_interrupted_command_is_gone_at_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        os.kill(process.pid, signal.SIGINT)
        printed, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, printed) == (130, "")
    assert said.strip() == "interrupted; the same command goes on from here"


_INTERRUPTED_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupts:
    def find_spec(self, name, *_):
        if name == {module!r}:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:  # as libraries do that try an import
                pass
sys.meta_path.insert(0, Interrupts())
sys.argv[1:] = ["tune", "no model"]
from tuner.entry_point import main
main()
"""


@pytest.mark.parametrize("module", ["tuner.cli", "click", "tuner.commands.tune", "sqlalchemy"])
def test_a_command_that_is_still_imported_ends_at_the_first_interrupt(module: str) -> None:
    script = _INTERRUPTED_IMPORT.format(module=module)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted; nothing had begun\n")


_INTERRUPTED_AT_ITS_END = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import click
from tuner import cli
def echo(*words, before=click.echo, **options):
    os.kill(os.getpid(), signal.SIGINT)
    before(*words, **options)
click.echo = echo
@cli.cli.command()
def wait():
    os.kill(os.getpid(), signal.SIGINT)
sys.argv[1:] = ["wait"]
cli.main()
"""


def test_a_second_interrupt_while_a_command_says_so_adds_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED_AT_ITS_END], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr.strip() == "interrupted; the same command goes on from here"


_SAID = "terminated; the same command goes on from here\n"

_TERMINATED = """
import os, pathlib, signal, sys
class Terminates:
    def find_spec(self, name, *_):
        if name == "workers.vulkan.passes":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Terminates())
sys.argv[1:] = ["space"]
from tuner.cli import main
main()
"""

_TERMINATED_MODEL = """
import pathlib
from search_space.termination import raise_at_sigterm
from workers.models.user_code import user_function
pathlib.Path("net.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
raise_at_sigterm()
user_function("net.py:make", "net.py", "make")
"""


@pytest.mark.parametrize(("script", "said"), [(_TERMINATED, _SAID), (_TERMINATED_MODEL, "")])
def test_sigterm_while_foreign_code_is_loaded_is_no_fault_of_that_code(script: str, said: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 143
    assert done.stderr == said


_CLOSING = """
import asyncio, pathlib, sys
from tuner import cli
from workers.pool.interrupts import run_interruptible
async def work():
    try:
        print("up", flush=True)
        await asyncio.sleep(60)
    finally:
        print("closing", flush=True)
        await asyncio.sleep(1)
        print("closed", flush=True)
@cli.cli.command()
def wait():
    run_interruptible(work(), pathlib.Path())
sys.argv[1:] = ["wait"]
cli.main()
"""


def test_a_second_sigterm_does_not_disturb_what_closes_after_the_first() -> None:
    """`timeout` sends two: one to the process, one to its group."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CLOSING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        for line in ("up\n", "closing\n"):
            assert process.stdout.readline() == line
            os.kill(process.pid, signal.SIGTERM)
        printed, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, printed, said) == (143, "closed\n", _SAID)
