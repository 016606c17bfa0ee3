"""Who wrote each byte of a memory last, and whether it was read since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_NOBODY = -(1 << 31)


@dataclass(frozen=True, eq=False)
class Unread:
    """Bytes that were written and not read before somebody else overwrote them, or before the end.

    Attributes:
        writers: who wrote each stretch of them, int64 `[stretches]`.
        spans: first byte and end of each, int64 `[stretches, 2]`; they may overlap.
    """

    writers: np.ndarray
    spans: np.ndarray


Place = slice | np.ndarray
"""Some bytes, as the stretches that they are made of."""


class History:
    """Kept per stretch of bytes that no access tells apart.

    Attributes:
        places: what the accesses touch, in their order.

    Args:
        accesses: the bytes of each, see `workers.ethos_u.npu_model.accesses.spans`.
    """

    def __init__(self, accesses: Sequence[np.ndarray]) -> None:
        self._edges = np.unique(np.concatenate(accesses)) if accesses else np.empty(0, np.int64)
        count = max(0, len(self._edges) - 1)
        self._writer = np.full(count, _NOBODY, np.int64)
        self._unread = np.zeros(count, bool)
        self._lost: list[tuple[np.ndarray, np.ndarray]] = []
        self.places: list[Place] = list(self._places(accesses)) if accesses else []

    def write(self, at: Place, writer: int) -> None:
        """Somebody writes bytes.

        Args:
            at: the bytes.
            writer: number of who writes, above -2^31.
        """
        unread = self._unread[at]
        if unread.any():
            over = unread & (self._writer[at] != writer)
            if over.any():
                self._lose(np.arange(len(self._writer))[at][over])
        self._writer[at] = writer
        self._unread[at] = True

    def forget(self, at: Place) -> None:
        """These bytes become as if nobody had written them."""
        self._writer[at] = _NOBODY
        self._unread[at] = False

    def read(self, at: Place) -> int:
        """These bytes are read. Returns how many of them nobody has written."""
        self._unread[at] = False
        writers = self._writer[at]
        return self._bytes(at, writers == _NOBODY) if writers.min(initial=0) == _NOBODY else 0

    def unread(self) -> Unread:
        """What is lost if nothing is read any more."""
        self._lose(np.flatnonzero(self._unread))
        self._unread[:] = False
        writers, places = (np.concatenate(parts) for parts in zip(*self._lost, strict=True))
        return Unread(writers, np.stack((self._edges[places], self._edges[places + 1]), 1))

    def _lose(self, places: np.ndarray) -> None:
        self._lost.append((self._writer[places], places))

    def _bytes(self, at: Place, which: np.ndarray) -> int:
        places = np.arange(len(self._writer))[at][which]
        return int((self._edges[places + 1] - self._edges[places]).sum())

    def _places(self, accesses: Sequence[np.ndarray]) -> Iterator[Place]:
        ends = np.searchsorted(self._edges, np.concatenate(accesses))
        firsts, counts = ends[:, 0], ends[:, 1] - ends[:, 0]
        behind = np.cumsum(counts)
        apart = firsts - behind + counts
        done = 0
        for spans in accesses:
            begin, done = done, done + len(spans)
            if len(spans) == 1:
                yield slice(int(firsts[begin]), int(ends[begin, 1]))
                continue
            before = int(behind[begin - 1]) if begin else 0
            total = int(behind[done - 1]) - before if len(spans) else 0
            if total == len(spans):
                yield firsts[begin:done]
            else:
                yield np.repeat(apart[begin:done], counts[begin:done]) + np.arange(before, before + total)
