"""Where the command `velatune` begins: an interrupt ends it at once while the rest is imported, and nothing has begun.

On a busy machine the imports take many seconds. A KeyboardInterrupt that Python raises inside them can be lost or end
in a traceback, as in the callbacks of importlib. So none is raised there.
"""

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line. Interrupted before a command begins, the exit status is 130, as of `tuner.cli.main`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from tuner.cli import main as run

    run()


def begin() -> None:
    """From here on an interrupt is a KeyboardInterrupt. Does nothing if `main` did not run."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted; nothing had begun\n")
    os._exit(130)
