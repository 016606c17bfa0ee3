"""Who wrote each byte of a memory last, and whether it was read since."""

from __future__ import annotations

from collections.abc import Sequence
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


class History:
    """Kept per stretch of bytes that no access tells apart.

    accesses: all spans that will be asked for, see `workers.npu_model.spans`.
    """

    def __init__(self, accesses: Sequence[np.ndarray]) -> None:
        self._edges = np.unique(np.concatenate(accesses)) if accesses else np.empty(0, np.int64)
        count = max(0, len(self._edges) - 1)
        self._writer = np.full(count, _NOBODY, np.int64)
        self._unread = np.zeros(count, bool)
        self._lost: list[tuple[np.ndarray, np.ndarray]] = []

    def write(self, spans: np.ndarray, writer: int) -> None:
        """Somebody, known by a number above -2^31, writes these bytes."""
        at = self._at(spans)
        over = self._unread[at] & (self._writer[at] != writer)
        if over.any():
            self._lose(np.arange(len(self._writer))[at][over])
        self._writer[at] = writer
        self._unread[at] = True

    def forget(self, spans: np.ndarray) -> None:
        """These bytes become as if nobody had written them."""
        at = self._at(spans)
        self._writer[at] = _NOBODY
        self._unread[at] = False

    def read(self, spans: np.ndarray) -> int:
        """These bytes are read. Returns how many of them nobody has written."""
        at = self._at(spans)
        self._unread[at] = False
        unwritten = self._writer[at] == _NOBODY
        return self._bytes(at, unwritten) if unwritten.any() else 0

    def unread(self) -> Unread:
        """What is lost if nothing is read any more."""
        self._lose(np.flatnonzero(self._unread))
        self._unread[:] = False
        writers, places = (np.concatenate(parts) for parts in zip(*self._lost, strict=True))
        return Unread(writers, np.stack((self._edges[places], self._edges[places + 1]), 1))

    def _lose(self, places: np.ndarray) -> None:
        self._lost.append((self._writer[places], places))

    def _bytes(self, at: slice | np.ndarray, which: np.ndarray) -> int:
        places = np.arange(len(self._writer))[at][which]
        return int((self._edges[places + 1] - self._edges[places]).sum())

    def _at(self, spans: np.ndarray) -> slice | np.ndarray:
        """The stretches that make up some spans."""
        ends = np.searchsorted(self._edges, spans)
        if len(spans) == 1:
            return slice(int(ends[0, 0]), int(ends[0, 1]))
        counts = ends[:, 1] - ends[:, 0]
        return np.arange(counts.sum()) + np.repeat(ends[:, 0] - np.cumsum(counts) + counts, counts)
