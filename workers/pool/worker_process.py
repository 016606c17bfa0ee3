"""What runs in a worker process, whoever starts it, and what is known of one that died."""

import faulthandler
import gc
import os
import pickle
import re
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What Python's fault handler says when a process runs into its own fault; one that is killed gets to say nothing.
CRASH = "Fatal Python error"
# What Ray's own signal handler prints: addresses without names.
_RAY_STACK = re.compile(r"\*\*\* |PC: @|\s*@ |\[.*\] logging\.cc:")
#: A call that imports at least as many modules has brought in torch or ExecuTorch.
_MANY_MODULES = 100


@dataclass(frozen=True)
class Answer:
    """What a function returned or raised, and how long it took. Also how much memory its process now holds beyond its
    warm-up, and how many bytes it printed.
    """

    succeeded: bool
    value: Any
    grown_bytes: int
    seconds: float
    printed_bytes: int = 0


class WorkerProcess:
    """The worker process, to whoever calls it: a Ray actor's class, or served by `workers.pool.local_pool`."""

    def __init__(self) -> None:
        self._resident_when_warm = 0

    def prepare(self, log: str, folder: str, warm_up: Callable[[], object] | None) -> Answer:
        """Send everything printed from here on, C++ and last words included, to a log; then warm up.

        Args:
            log: path of the log, which is appended to.
            folder: to work in, if it is there.
            warm_up: a module-level function to call; None for none.

        Returns:
            What warming up came to.
        """
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        with Path(log).open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, errors="replace", closefd=False)
        faulthandler.enable(sys.stderr, all_threads=False)
        # A user's `file.py:function` is named relative to where the driver runs.
        if Path(folder).is_dir():
            os.chdir(folder)
        answer = self.call(warm_up or tuple, ())
        spare_the_collector()
        self._resident_when_warm = _resident_bytes()
        return answer

    def call(self, function: Callable[..., object], args: tuple[object, ...]) -> Answer:
        """Do what is asked for.

        Args:
            function: what to do.
            args: of the function.

        Returns:
            What it returned or raised, with the memory it left and the seconds it took.
        """
        started, modules = time.perf_counter(), len(sys.modules)
        succeeded = True
        value: object
        try:
            value = function(*args)
        except Exception as error:
            succeeded, value = False, _travelling(error)
        grown, seconds = _resident_bytes() - self._resident_when_warm, time.perf_counter() - started
        if len(sys.modules) - modules >= _MANY_MODULES:
            # Collections while models are lowered took a seventh of that time.
            spare_the_collector()
        return Answer(succeeded, value, grown, seconds, os.fstat(1).st_size)


def spare_the_collector() -> None:
    """Exclude all present objects from garbage collection.

    They are modules for the most part.

    To walk through those takes 50 ms in a driver and 200 ms in a worker. It happens each time, in the middle of a call.
    """
    gc.collect()
    gc.freeze()


def _resident_bytes() -> int:
    """Physical memory of this process; 0 where there is no /proc to ask, so that nothing counts as growth."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.is_file() else 0


def _travelling(error: Exception) -> Exception:
    """The error as it can be sent; some do not survive it, as their constructors want other arguments."""
    error.add_note("in the worker:\n" + traceback.format_exc())
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (our own object, made on this line)
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def environment() -> dict[str, str]:
    """One core per worker, the driver's import path, and one order of sets.

    Workers so find what the driver finds: an editable install, the folder of a user's script. ExecuTorch walks through
    sets of names when it lowers. With another hash seed, the same model comes out with its operators in another order.
    """
    installed = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths = [str(Path(entry).absolute()) for entry in sys.path if entry not in installed]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def size_of(log: Path) -> int:
    return log.stat().st_size if log.is_file() else 0


def last_words(log: Path, said_before: int) -> str:
    """What the process printed in this call up to its death, cut to the end that tells something.

    Args:
        log: of the process; nothing if it is missing.
        said_before: bytes that the log had before the call.

    Returns:
        At most three lines in one; empty if it said nothing.
    """
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(said_before)
        text = file.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _RAY_STACK.match(line)]
    fatal = next((at for at, line in enumerate(lines) if line.startswith(CRASH)), len(lines))
    return "; ".join(lines[: fatal + 1][-3:])
