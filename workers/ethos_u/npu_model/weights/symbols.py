"""Golomb-Rice symbols of an entropy-coded stream: from the codes of chunks, and remainders, to numbers.

A symbol's quotient is the sum of codes 0, 1 and 2 up to one that ends it. Its codes may lie in several chunks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.ethos_u.npu_model.weights.bits import Bits
from workers.ethos_u.npu_model.weights.slices import CODES


@dataclass(frozen=True, eq=False)
class Codes:
    """The codes of one kind in some chunks.

    Attributes:
        ones: of each chunk, the codes that are 1 or 2, the first in the lowest bit.
        twos: which of those are 2, the first of them in the lowest bit.
        counts: how many codes there are, at most 12.
        truncated: whether a symbol ends with a 2 as it does with a lower code.
        of_slice: the slice of each chunk, ascending from 0.
    """

    ones: np.ndarray
    twos: np.ndarray
    counts: np.ndarray
    truncated: np.ndarray
    of_slice: np.ndarray


def quotients(codes: Codes, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The quotients of symbols, and how many symbols end in each chunk.

    Args:
        codes: of chunks.
        most: how many symbols each slice has. What comes after them in its last chunk is padding.

    Returns:
        int64 `[symbols]`, int64 `[chunks]`.
    """
    sums, ends, left = _added_up(codes)
    counts = np.count_nonzero(ends, axis=1)
    first = np.searchsorted(codes.of_slice, np.arange(len(most) + 1))
    # What the chunks before leave to a chunk's first symbol: all since the last of them in which a symbol ends.
    begun = np.maximum.accumulate(np.where(counts > 0, np.arange(len(counts)), 0))
    begun = np.maximum(np.concatenate(([0], begun[:-1])), first[codes.of_slice])
    left_before = np.cumsum(left) - left
    carried = left_before - left_before[begun]

    found = np.diff(np.concatenate(([0], np.cumsum(counts)))[first])
    for one in np.flatnonzero(found > most):
        last = first[one + 1] - 1
        counts[last] -= found[one] - most[one]
        ends[last, np.flatnonzero(ends[last])[counts[last] :]] = False
    symbols = sums[ends].astype(np.int64)
    some = np.flatnonzero(counts)
    symbols[(np.cumsum(counts) - counts)[some]] += carried[some]
    return symbols, counts


def _added_up(codes: Codes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add codes up within chunks.

    Returns:
        uint16 `[chunks, 12]`: the sum after each code, since a symbol ended.
        bool `[chunks, 12]`: whether one ends there.
        int64 `[chunks]`: the sum since the last end.
    """
    ones: np.ndarray = codes.ones.astype(np.uint16)
    twos: np.ndarray = codes.twos.astype(np.uint16)
    sums, ends = np.empty((len(ones), CODES), np.uint16), np.empty((len(ones), CODES), np.bool_)
    left: np.ndarray = np.zeros(len(ones), np.uint16)
    for at in range(CODES):
        one = ones >> at & 1
        two = twos & one
        twos = twos >> one
        left = left + one + two
        sums[:, at] = left
        ends[:, at] = ((two == 0) | codes.truncated) & (at < codes.counts)
        left = left * ~ends[:, at]
    return sums, ends, left.astype(np.int64)


def with_remainders(
    bits: Bits, symbols: np.ndarray, counts: np.ndarray, positions: np.ndarray, width_bits: np.ndarray
) -> np.ndarray:
    """Numbers from their quotients.

    Args:
        bits: the stream.
        symbols: the quotients.
        counts: how many of them are of each chunk.
        positions: where the remainders of each chunk's symbols begin.
        width_bits: of a remainder, for each chunk; at most 9.

    Returns:
        int64 `[symbols]`.
    """
    half = CODES // 2
    shifts = (np.arange(half) * width_bits[:, None]).astype(np.uint64)
    remainders = np.empty((len(positions), CODES), np.uint16)
    remainders[:, :half] = bits.words(positions)[:, None] >> shifts
    remainders[:, half:] = bits.words(positions + half * width_bits)[:, None] >> shifts
    remainders &= ((1 << width_bits) - 1).astype(np.uint16)[:, None]
    return (symbols << np.repeat(width_bits, counts)) + remainders[np.arange(CODES) < counts[:, None]]
