"""What tests run in the workers of a pool: calls that work, crash, hang, fail and print."""

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

from workers.pool.shared import Shared

calls = 0


def nothing() -> None:
    pass


def add(left: int, right: int) -> int:
    return left + right


def count_calls() -> tuple[int, int]:
    global calls
    calls += 1
    return os.getpid(), calls


def follow_a_null_pointer() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.write(2, b"terminate called after throwing\n")
    os.abort()


def exit_for_good() -> None:
    sys.exit(3)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang_in_c() -> None:
    """As a compiler does that loops: Python gets no chance to run."""
    ctypes.PyDLL(None).sleep(1000)


def crash_the_first_time(marker: Path) -> int:
    if not marker.exists():
        marker.write_text(str(os.getpid()))
        os.abort()
    return os.getpid()


def wait_for(path: Path, started: Path | None = None) -> int:
    if started is not None and not started.exists():
        started.write_text(str(os.getpid()))
    while not path.exists():
        time.sleep(0.01)
    return os.getpid()


def note(number: int, log: Path) -> None:
    with log.open("a") as file:
        file.write(f"{number}\n")


kept: list[bytes] = []


def keep(megabytes: int) -> int:
    kept.append(os.urandom(2**20) * megabytes)
    return os.getpid()


def length_of(shared: Shared[bytes]) -> int:
    return len(shared.get())


def hash_of_a_name() -> int:
    return hash("tosa_reshape_default")


class Peculiar(Exception):
    pass


class Unsendable(Exception):
    def __init__(self, code: int, place: str) -> None:
        super().__init__(f"{code} at {place}")


def fail(error: Exception) -> None:
    raise error


def fail_unsendably() -> None:
    raise Unsendable(7, "here")


def make_a_lock() -> object:
    return threading.Lock()


def talk() -> None:
    print("from python")  # noqa: T201
    os.write(1, b"from below\n")
    os.system("echo from a child >&2")


def threads_and_folder() -> tuple[int, str]:
    import torch

    return torch.get_num_threads(), str(Path.cwd())
