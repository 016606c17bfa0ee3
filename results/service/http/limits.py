"""How much one caller may ask for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_REMEMBERED = 10_000
"""Callers; the one that has not asked for longest is forgotten first, and then has its full allowance again."""


@dataclass(frozen=True)
class Limits:
    """What the service takes.

    Attributes:
        requests_per_second: of one token, or one address where there is none; twice as many may come at once.
        upload_bytes: of one model file.
        uploads_bytes: of all model files that are kept.
        body_bytes: of any other request.
        queued_jobs: that wait.
        running_jobs: at a time.
    """

    requests_per_second: float = 100.0
    upload_bytes: int = 256 * 2**20
    uploads_bytes: int = 16 * 2**30
    body_bytes: int = 64 * 2**10
    queued_jobs: int = 100
    running_jobs: int = 1


class Rate:
    """A token bucket for each caller. For one thread."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        """Give each caller a bucket of two seconds' requests.

        Args:
            per_second: requests that one caller may send.
            clock: seconds from any moment on, never backwards.
        """
        self._per_second, self._room, self._clock = per_second, 2.0 * per_second, clock
        self._callers: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, caller: str) -> float:
        """0.0 if the caller may go on (that is then counted), else how long to wait."""
        now = self._clock()
        left, at = self._callers.pop(caller, (self._room, now))
        left = min(self._room, left + (now - at) * self._per_second)
        taken = left >= 1
        self._callers[caller] = (left - 1 if taken else left, now)
        if len(self._callers) > _REMEMBERED:
            self._callers.popitem(last=False)
        return 0.0 if taken else (1 - left) / self._per_second
