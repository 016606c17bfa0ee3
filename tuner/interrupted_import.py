"""An interrupt while the command line is imported ends the process at once: nothing has begun yet.

On a busy machine the imports take many seconds. A KeyboardInterrupt inside them can be lost or end in a traceback, as
in the callbacks of importlib. So none is raised there.
"""

import os
import signal
from types import FrameType


def end_if_interrupted() -> None:
    """From here on an interrupt ends the process in one line, with exit status 130. It stays ignored where it is."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def begin() -> None:
    """From here on an interrupt is a KeyboardInterrupt again. Does nothing without `end_if_interrupted` before."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted; nothing had begun\n")
    os._exit(130)
