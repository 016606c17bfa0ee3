"""Keep what the toolchain prints off the terminal, at the level where it prints.

Vela and the reference model are C++ and write to the file descriptors 1 and 2. `contextlib.redirect_stdout` does not
see that. These context managers move the descriptors themselves, and `sys.stdout` and `sys.stderr` with them. So
Python's and C's output land in the same place, in the order in which it was written.

The descriptors belong to the process. While one thread is inside, the output of every other thread goes the same way. A
second thread that wants in waits until the first is out. Nesting in one thread is fine; do not `await` inside.
"""

import ctypes
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import BinaryIO, TextIO

_one_thread_at_a_time = threading.RLock()
_c_library = ctypes.CDLL(None)


class Captured:
    """What was printed inside `captured()`; `text` is complete once the block has been left."""

    def __init__(self) -> None:
        self.text = ""


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Append everything printed inside the block to the file `path`, made with its folders if missing.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log, _descriptors_on(log):
        yield


@contextmanager
def captured() -> Iterator[Captured]:
    """Collect everything printed inside the block.

    Example:
        with captured() as printed:
            os.write(1, b"from below")
        assert printed.text == "from below"
    """
    printed = Captured()
    with tempfile.TemporaryFile() as store:
        try:
            with _descriptors_on(store):
                yield printed
        finally:
            store.seek(0)
            printed.text = store.read().decode("utf-8", errors="replace")


@contextmanager
def stdout_on_stderr() -> Iterator[None]:
    """Everything printed on standard output inside the block goes to standard error."""
    with _one_thread_at_a_time, ExitStack() as undo:
        _flush()
        _move(1, 2, undo)
        undo.enter_context(redirect_stdout(sys.stderr))
        undo.callback(_flush)
        yield


@contextmanager
def toolchain_hushed() -> Iterator[None]:
    """Drop what importing and running the toolchain says about every model, good or bad."""
    loggers = [logging.getLogger(name) for name in ("torchao", "torch.utils._pytree")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _move(descriptor: int, to: int, undo: ExitStack) -> None:
    kept = os.dup(descriptor)
    undo.callback(os.close, kept)
    undo.callback(os.dup2, kept, descriptor)
    os.dup2(to, descriptor)


@contextmanager
def _descriptors_on(sink: BinaryIO) -> Iterator[None]:
    with _one_thread_at_a_time, ExitStack() as undo:
        _flush()
        for descriptor in (1, 2):
            _move(descriptor, sink.fileno(), undo)
        # sys.stdout need not be descriptor 1: pytest, notebooks and rich put objects of their own there.
        undo.enter_context(redirect_stdout(_writer(1)))
        undo.enter_context(redirect_stderr(_writer(2)))
        # Before the descriptors go back, what C and Python still hold in buffers must go where it belongs.
        undo.callback(_flush)
        yield


@cache
def _writer(descriptor: int) -> TextIO:
    # Never closed: log handlers and faulthandler that are set up inside a block keep what they find as sys.stderr,
    # and must reach the terminal with it later.
    return os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    _c_library.fflush(None)
