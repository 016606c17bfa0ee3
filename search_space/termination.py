"""SIGTERM as an exception, so that a process closes what it has open before it ends."""

import signal
import time

#: As shells report the end by SIGTERM.
_STATUS = 143

#: A process that closes gets this long. `timeout` of the coreutils sends SIGTERM to a process and to its group, and
#: what is raised while asyncio closes ends in tracebacks. What comes later is for a process that hangs.
_SECONDS_TO_CLOSE = 6.0


class Terminated(SystemExit):
    """SIGTERM came. What catches the SystemExit of foreign code lets this one pass."""


def raise_at_sigterm() -> None:
    """From here on SIGTERM raises Terminated in the main thread, with exit status 143.

    Further ones raise nothing while the process closes.
    """
    raised_at: float | None = None

    def handle(*_: object) -> None:
        nonlocal raised_at
        now = time.monotonic()
        if raised_at is None or now - raised_at > _SECONDS_TO_CLOSE:
            raised_at = now
            raise Terminated(_STATUS)

    signal.signal(signal.SIGTERM, handle)
