"""The weight format `SWD`: from an entropy-coded stream to weights in the order of the stream.

Vela's own decoder (`ethosu.mlw_codec.decode`) ends the process at a damaged stream, so it is not used. Where chunks start
is found one by one (`slices.py`). The rest is done with arrays, for many slices at once.
"""

from __future__ import annotations

import numpy as np

from workers.npu_model.errors import Fault
from workers.npu_model.weights.bits import Bits
from workers.npu_model.weights.slices import CODES, INDICES, ONES, Chunks, Header, slices

_MOST_WEIGHT = 255
#: Weights that are worked on at once, roughly.
_BATCH = 1 << 17

#: Bits that `_columns` makes of a number.
_COLUMNS = 16
_ONES = np.array(ONES)


def decode(stream: bytes, count: int) -> np.ndarray:
    """The weights of an entropy-coded stream.

    Args:
        stream: its bytes, with the end marker and the padding after it.
        count: how many weights there must be.

    Returns:
        int16 `[count]`, each within -255..255.

    Raises:
        Fault: the stream is damaged, or has more or fewer weights.
    """
    bits = Bits(stream)
    weights: list[np.ndarray] = []
    found, pending = 0, 0
    batch: list[tuple[Header, Chunks]] = []

    def expand() -> None:
        nonlocal found, pending
        weights.append(_expand(bits, batch, count - found))
        found += len(weights[-1])
        pending = 0
        batch.clear()

    for header, chunks in slices(bits):
        batch.append((header, chunks))
        pending += header.weights
        if pending >= _BATCH:
            expand()
    if batch:
        expand()
    if found < count:
        raise Fault(f"the stream has {found} weights, {count} are needed")
    return np.concatenate(weights) if weights else np.zeros(0, np.int16)


def _expand(bits: Bits, batch: list[tuple[Header, Chunks]], most: int) -> np.ndarray:
    """The weights of consecutive slices, zero runs included.

    Raises:
        Fault: there are more than `most`, or one of more than 9 bits.
    """
    headers = [header for header, _ in batch]
    weight_bits = np.array([one.weight_bits for one in headers])
    run_bits = np.array([one.run_bits for one in headers])
    run_codes = np.array([one.run_codes for one in headers])
    weights_of = np.array([one.weights for one in headers])
    runs_of = np.array([one.runs for one in headers])
    starts = np.concatenate([chunks.starts for _, chunks in batch])
    with_weights = np.concatenate([chunks.with_weights for _, chunks in batch])
    with_runs = np.concatenate([chunks.with_runs for _, chunks in batch])
    slice_of = np.repeat(np.arange(len(batch)), [len(chunks.starts) for _, chunks in batch])

    # A chunk begins with the weights' codes, of which 2 is a 1 here, then the zero runs' codes, then which 1 is a 2.
    low_width = np.where(np.array([one.golomb for one in headers])[slice_of] & with_weights, CODES, 0)
    run_width = np.where(with_runs, run_codes[slice_of], 0)
    words = bits.words(starts)
    ones = _low(words, low_width)
    run_ones = _low(words >> low_width.astype(np.uint64), run_width)
    high_width = _ONES[ones]
    high = _low(words >> (low_width + run_width).astype(np.uint64), high_width)
    remainders_at = starts + low_width + run_width + high_width

    chunks = np.flatnonzero(with_weights)
    slice_of_chunk = slice_of[chunks]
    twos = _spread(high[chunks], ones[chunks])
    used = np.array([(1 << one.weight_codes) - 1 for one in headers])[slice_of_chunk]
    ends = np.where(np.array([one.truncated for one in headers])[slice_of_chunk], used, used & ~twos)
    quotients, counts = _symbols(ones[chunks], twos, ends, slice_of_chunk, weights_of)
    remainder_bits = np.zeros(len(starts), np.int64)
    remainder_bits[chunks] = counts * weight_bits[slice_of_chunk]
    numbers = _with_remainders(bits, quotients, counts, remainders_at[chunks + 1], weight_bits[slice_of_chunk])
    if numbers.max() >= INDICES:
        raise Fault(f"the stream has {numbers.max()} as the number of a weight, of {INDICES}")
    palettes = np.concatenate([one.palette for one in headers])
    weights = palettes[numbers + np.repeat(slice_of_chunk * INDICES, counts)]
    if max(weights.max(), -weights.min()) > _MOST_WEIGHT:
        raise Fault("the stream has a weight of more than 9 bits")
    if not runs_of.any():
        gaps = np.zeros(1, np.int64)
    else:
        chunks = np.flatnonzero(with_runs)
        slice_of_chunk = slice_of[chunks]
        ends = ~run_ones[chunks] & (1 << run_codes[slice_of_chunk]) - 1
        quotients, counts = _symbols(run_ones[chunks], np.zeros_like(ends), ends, slice_of_chunk, runs_of)
        runs_at = remainders_at[chunks + 1] + remainder_bits[chunks]
        runs = _with_remainders(bits, quotients, counts, runs_at, run_bits[slice_of_chunk])
        gaps = _gaps(runs, runs_of, weights_of, np.array([one.leading_run for one in headers]))
    total = len(weights) + int(gaps.sum())
    if total > most:
        raise Fault(f"the stream has at least {total - most} weights too many")
    if total == len(weights):
        return weights
    result = np.zeros(total, np.int16)
    result[np.arange(len(weights)) + np.cumsum(gaps[:-1])] = weights
    return result


def _symbols(
    ones: np.ndarray, twos: np.ndarray, ends: np.ndarray, slice_of: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add the codes of chunks up to symbols. The first code of a chunk is in its lowest bit.

    Args:
        ones, twos: of each chunk, the codes that are at least 1, and those that are 2.
        ends: the codes that end a symbol.
        slice_of: the slice of each chunk, ascending.
        most: symbols of each slice. What comes after them in its last chunk is padding.

    Returns:
        The symbols, and how many each chunk has.
    """
    counts = _ONES[ends]
    first = np.searchsorted(slice_of, np.arange(len(most) + 1))
    found = np.diff(np.concatenate(([0], np.cumsum(counts)))[first])
    for one in np.flatnonzero(found > most):
        last = first[one + 1] - 1
        counts[last] -= found[one] - most[one]
        ends[last] = _lowest(int(ends[last]), int(counts[last]))
    codes = np.concatenate(([0], np.cumsum(_columns(ones) + _columns(twos), dtype=np.int64)))
    sums = codes[np.flatnonzero(_columns(ends)) + 1]
    symbols = np.diff(sums, prepend=0)
    # A slice begins anew, whatever padding comes before it.
    begun = most > 0
    begins = (np.cumsum(most) - most)[begun]
    symbols[begins] = sums[begins] - codes[_COLUMNS * first[:-1][begun]]
    return symbols, counts


def _with_remainders(
    bits: Bits, quotients: np.ndarray, counts: np.ndarray, remainders_at: np.ndarray, width_bits: np.ndarray
) -> np.ndarray:
    """Numbers from quotients. Of each chunk: how many there are, where their remainders begin, and their width."""
    begins = remainders_at - (np.cumsum(counts) - counts) * width_bits
    width = np.repeat(width_bits, counts)
    return (quotients << width) + bits.numbers(np.repeat(begins, counts) + np.arange(len(width)) * width, width)


def _gaps(runs: np.ndarray, runs_of: np.ndarray, weights_of: np.ndarray, leading: np.ndarray) -> np.ndarray:
    """How many zeros stand before each weight, and after the last one. Of slices: their runs, weights, and whether a
    run comes first."""
    gaps = np.zeros(weights_of.sum() + 1, np.int64)
    offsets = (np.cumsum(weights_of) - weights_of) - (np.cumsum(runs_of) - runs_of) + ~leading
    # Where a run of a slice is its last and one leads the next slice, both stand before the same weight.
    np.add.at(gaps, np.arange(len(runs)) + np.repeat(offsets, runs_of), runs)
    return gaps


def _spread(numbers: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Put the lowest bits of numbers where masks have ones."""
    result = np.zeros_like(numbers)
    for bit in range(CODES):
        there = masks >> bit & 1
        result |= (numbers & there) << bit
        numbers = numbers >> there
    return result


def _lowest(number: int, count: int) -> int:
    """A number with only so many of its lowest ones."""
    result = 0
    for _ in range(count):
        result |= number & -number
        number &= number - 1
    return result


def _columns(numbers: np.ndarray) -> np.ndarray:
    """uint8: the 16 bits of each number, the lowest first, one number behind the other."""
    return np.unpackbits(numbers.astype("<u2").view(np.uint8), bitorder="little")


def _low(words: np.ndarray, width_bits: np.ndarray) -> np.ndarray:
    """int64: the lowest bits of each word."""
    return (words & ((np.uint64(1) << width_bits.astype(np.uint64)) - np.uint64(1))).astype(np.int64)
