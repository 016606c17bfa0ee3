"""The time of a search, without waits for workers that lower other models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class SearchClock:
    """Runs as fast as workers are left for searches; not at all while all of them lower models.

    So `--timeout` counts what a search could use, and not the lowering of other models. Searches side by side share the
    workers that are left, and their seconds are the same.
    """

    def __init__(self, workers: int, now: Callable[[], float] = time.monotonic) -> None:
        """Start at 0 s.

        Args:
            workers: processes that lower and evaluate.
            now: seconds of a monotonic clock.
        """
        self._workers, self._now = workers, now
        self._lowering = 0
        self._seconds, self._since = 0.0, now()

    @property
    def seconds(self) -> float:
        """Since it was made."""
        share = max(0, self._workers - self._lowering) / self._workers
        return self._seconds + share * (self._now() - self._since)

    @contextmanager
    def lowering(self) -> Iterator[None]:
        """While one call lowers a model, or evaluates its default lowering. Calls that wait for a worker count too."""
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        self._seconds, self._since = self.seconds, self._now()
        self._lowering += by
