"""SIGTERM as an exception, so that a process closes what it has open before it ends."""

import signal

#: As shells report the end by SIGTERM.
_STATUS = 143


class Terminated(SystemExit):
    """SIGTERM came. What catches the SystemExit of foreign code lets this one pass."""


def raise_at_sigterm() -> None:
    """From here on SIGTERM raises Terminated in the main thread, with exit status 143."""
    signal.signal(signal.SIGTERM, _raise)


def _raise(*_: object) -> None:
    raise Terminated(_STATUS)
