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
        # Elements that begin at every byte, and overlap.
        self._words: np.ndarray = np.ndarray((len(stream) + 1,), "<u8", self.padded, strides=(1,))
        self._halves: np.ndarray = np.ndarray((len(stream) + 1,), "<u2", self.padded, strides=(1,))

    def words(self, positions: np.ndarray) -> np.ndarray:
        """uint64: at least the 57 bits from each position on."""
        return self._words[positions >> 3] >> (positions & 7).astype(np.uint64)

    def numbers(self, positions: np.ndarray, width_bits: np.ndarray) -> np.ndarray:
        """int64: numbers of up to 9 bits from each position on."""
        return (self._halves[positions >> 3] >> (positions & 7)) & (1 << width_bits) - 1
