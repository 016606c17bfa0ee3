"""A stream of bits, from the lowest of its first byte on."""

from __future__ import annotations

import numpy as np

_PADDING_BYTES = 8


class Bits:
    """A stream as numbers that start at any of its bits. There are some zeros after its end.

    Attributes:
        length: in bits.
        padded: its bytes and the zeros after them.
    """

    def __init__(self, stream: bytes) -> None:
        self.length = 8 * len(stream)
        self.padded = bytes(stream) + bytes(_PADDING_BYTES)
        # An element begins at every byte.
        self._words: np.ndarray = np.ndarray((len(stream) + 1,), "<u8", self.padded, strides=(1,))

    def words(self, positions: np.ndarray) -> np.ndarray:
        """uint64: at least the 57 bits from each position on. A position beyond the end gives zeros."""
        positions = np.minimum(positions, self.length)
        return self._words[positions >> 3] >> (positions & 7).astype(np.uint64)
