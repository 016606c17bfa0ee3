"""The entropy coding of weights (weight format `SWD`), from bytes to weights in the order of the stream.

A stream is a row of slices. A slice has a header and then chunks: up to 12 weights in a Golomb-Rice code or in a fixed
number of bits, and, where zero runs are on, how many zeros stand between them. A chunk has the unary parts of its
symbols first, then the remainders of the chunk before it. Source: Vela's `mlw_encode.cpp` and `mlw_decode.cpp` in
`ethosu/regor/dependencies/mlw_codec/source`, and `ethosu/mlw_codec/mlw_decode.c`.

Vela's own decoder ends the process at a damaged stream, so it is not used. Where a chunk starts depends on all chunks
before it: only that is found in a Python loop, one step for up to 12 weights. The rest is done for many slices at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workers.npu_model.errors import Fault

# Values of a slice header's divisor fields that are no divisors.
_NO_ZERO_RUNS = 6
_END = 7
_UNCOMPRESSED = 7

_MOST_RUN_BITS = 3
_MOST_WEIGHT_BITS = 5
_INDICES = 512
_MOST_WEIGHT = 255

_SYMBOLS = 12
#: Symbols of a chunk whose weights have more than 5 bits and no unary part.
_WIDE_SYMBOLS = 8
#: Bits of the unary part of zero runs, and of those with 3 bits of remainder.
_RUN_BITS, _WIDE_RUN_BITS = 12, 8
#: Weights wait where zero runs are so many symbols behind.
_LEAD = 8

#: A header and a palette of 32 entries of 9 bits.
_HEADER_BYTES = 48
_WINDOW_BYTES = 1 << 14
#: Weights that are worked on at once, roughly.
_BATCH = 1 << 17

_ONES = np.array([number.bit_count() for number in range(1 << _SYMBOLS)], np.int64)


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
    bits = _Bits(stream)
    parts: list[np.ndarray] = []
    batch: list[_Slice] = []
    left, pending = count, 0

    def expand() -> None:
        nonlocal left, pending
        parts.append(_expand(bits, batch, left))
        left -= len(parts[-1])
        pending = 0
        batch.clear()

    for one in _slices(bits):
        batch.append(one)
        pending += one.weights
        if pending >= _BATCH:
            expand()
    if batch:
        expand()
    if left:
        raise Fault(f"the stream has {count - left} weights, {count} are needed")
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


class _Bits:
    """A stream as numbers that start at any of its bits. After its end there are zeros."""

    def __init__(self, stream: bytes) -> None:
        self.length = 8 * len(stream)
        self._bytes = bytes(stream) + bytes(8)
        self._words = np.ndarray((len(stream) + 1,), "<u8", self._bytes, strides=(1,))
        self._window: list[int] = []
        self._first_byte = 0

    def header(self, position: int) -> int:
        """At least 377 bits.

        Raises:
            Fault: the stream has ended.
        """
        if position >= self.length:
            raise Fault("the stream has no end marker")
        first = position >> 3
        return int.from_bytes(self._bytes[first : first + _HEADER_BYTES], "little") >> (position & 7)

    def window(self, position: int) -> tuple[list[int], int, int]:
        """64-bit words that start at consecutive bytes, the first byte, and the bit up to which they serve.

        Raises:
            Fault: the stream has ended.
        """
        end = 8 * (self._first_byte + len(self._window))
        if not 8 * self._first_byte <= position < end:
            if position >= self.length:
                raise Fault("the stream ends in the middle of a slice")
            self._first_byte = position >> 3
            self._window = self._words[self._first_byte : self._first_byte + _WINDOW_BYTES].tolist()
            end = 8 * (self._first_byte + len(self._window))
        return self._window, self._first_byte, end

    def words(self, positions: np.ndarray) -> np.ndarray:
        """uint64: the 57 or more bits from each position on."""
        positions = np.minimum(positions, self.length)
        return self._words[positions >> 3] >> (positions & 7).astype(np.uint64)


@dataclass(frozen=True)
class _Slice:
    """A slice, and where its chunks start.

    Attributes:
        weights: how many are coded; those of zero runs are not counted.
        weight_bits: bits of a weight's remainder.
        uncompressed: weights have no unary part.
        truncated: the unary part of a weight is at most 2 and has no end.
        leading_run: a zero run comes before the first weight.
        runs: how many zero runs there are.
        run_bits: bits of a zero run's remainder.
        palette: int16 `[512]`, from coded numbers to weights.
        starts: bit positions of chunks; at the last one are only the remainders of the chunk before it.
        with_weights, with_runs: for each chunk, whether it has symbols of that kind.
        end: the bit after it.
    """

    weights: int
    weight_bits: int
    uncompressed: bool
    truncated: bool
    leading_run: bool
    runs: int
    run_bits: int
    palette: np.ndarray
    starts: np.ndarray
    with_weights: np.ndarray
    with_runs: np.ndarray
    end: int

    @property
    def weight_symbols(self) -> int:
        """Most weights in a chunk."""
        return _weight_symbols(self.uncompressed, self.weight_bits)


def _weight_symbols(uncompressed: bool, weight_bits: int) -> int:
    return _WIDE_SYMBOLS if uncompressed and weight_bits > _MOST_WEIGHT_BITS else _SYMBOLS


def _run_symbols(run_bits: int) -> int:
    return _WIDE_RUN_BITS if run_bits == _MOST_RUN_BITS else _RUN_BITS


def _slices(bits: _Bits) -> Iterator[_Slice]:
    """The slices of a stream up to its end marker and padding."""
    position = 0
    palette: np.ndarray | None = None
    uncompressed_bits, had_runs = 0, False
    while True:
        header = _Fields(bits.header(position))
        run_bits = header.take(3)
        if run_bits == _END:
            position = (position + 3 + 7) & ~7
            palette = None
            if position >= bits.length:
                return
            continue
        with_runs = run_bits != _NO_ZERO_RUNS
        if with_runs and run_bits > _MOST_RUN_BITS:
            raise Fault(f"a slice has {run_bits} as its divisor of zero runs, which has no meaning")
        weights = header.take(15) + 1
        weight_bits = header.take(3)
        uncompressed = weight_bits == _UNCOMPRESSED
        if not uncompressed and weight_bits > _MOST_WEIGHT_BITS:
            raise Fault(f"a slice has {weight_bits} as its divisor of weights, which has no meaning")
        truncated, new_palette = bool(header.take(1)), bool(header.take(1))
        if new_palette:
            palette, uncompressed_bits = _palette(header)
        elif palette is None:
            raise Fault("the first slice has no palette")
        elif with_runs != had_runs:
            raise Fault("a slice turns zero runs on or off without a new palette")
        had_runs = with_runs
        position += header.taken
        weight_bits = uncompressed_bits if uncompressed else weight_bits
        runs = weights + new_palette if with_runs else 0
        if with_runs:
            chunks = _chunks_with_runs(bits, position, weights, weight_bits, uncompressed, truncated, runs, run_bits)
        elif uncompressed:
            chunks = _uncompressed_chunks(position, weights, weight_bits)
        else:
            chunks = _golomb_chunks(bits, position, weights, weight_bits, truncated)
        starts, has_weights, has_runs, position = chunks
        if position > bits.length:
            raise Fault("the stream ends in the middle of a slice")
        yield _Slice(
            weights, weight_bits, uncompressed, truncated, with_runs and new_palette, runs, run_bits if with_runs else 0,
            palette, starts, has_weights, has_runs, position,
        )  # fmt: skip


class _Fields:
    """The fields of a header, lowest bits first."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.taken = 0

    def take(self, width_bits: int) -> int:
        value = self._number >> self.taken & (1 << width_bits) - 1
        self.taken += width_bits
        return value


def _palette(header: _Fields) -> tuple[np.ndarray, int]:
    """What the 512 coded numbers mean, and the bits of one without a unary part."""
    offset, size = header.take(5), header.take(5)
    size += size > 0
    entry_bits = header.take(3) + 2
    # Magnitude above the sign. Numbers beyond the palette count on from the offset.
    folded = np.arange(_INDICES) - size + offset
    folded[:size] = [header.take(entry_bits) for _ in range(size)]
    magnitude = folded >> 1
    values = np.where(folded & 1, -magnitude, magnitude).astype(np.int16)
    return values, (size - 1).bit_length() if size else entry_bits


_Chunks = tuple[np.ndarray, np.ndarray, np.ndarray, int]


def _uncompressed_chunks(position: int, weights: int, weight_bits: int) -> _Chunks:
    symbols = _weight_symbols(True, weight_bits)
    chunks = -(-weights // symbols)
    starts = np.empty(chunks + 1, np.int64)
    starts[0] = position
    starts[1:] = position + np.arange(chunks) * (symbols * weight_bits)
    return starts, *_only_weights(chunks), position + weights * weight_bits


def _golomb_chunks(bits: _Bits, position: int, weights: int, weight_bits: int, truncated: bool) -> _Chunks:
    starts: list[int] = []
    add = starts.append
    coded, before = 0, 0
    while coded < weights:
        words, first, end = bits.window(position)
        while coded < weights and position < end:
            add(position)
            word = words[(position >> 3) - first] >> (position & 7)
            unary = (word & 0xFFF).bit_count()
            symbols = _SYMBOLS
            if not truncated:
                # A 2 is no end of a symbol.
                symbols -= (word >> 12 & (1 << unary) - 1).bit_count()
            position += 12 + unary + before * weight_bits
            coded += symbols
            before = symbols
    add(position)
    position += (before - (coded - weights)) * weight_bits
    return np.array(starts), *_only_weights(len(starts) - 1), position


def _only_weights(chunks: int) -> tuple[np.ndarray, np.ndarray]:
    with_weights = np.ones(chunks + 1, np.bool_)
    with_weights[-1] = False
    return with_weights, np.zeros(chunks + 1, np.bool_)


def _chunks_with_runs(
    bits: _Bits, position: int, weights: int, weight_bits: int, uncompressed: bool, truncated: bool, runs: int,
    run_bits: int,
) -> _Chunks:  # fmt: skip
    starts: list[int] = []
    with_weights: list[bool] = []
    with_runs: list[bool] = []
    most_symbols = _weight_symbols(uncompressed, weight_bits)
    unary_bits = _run_symbols(run_bits)
    unary_mask = (1 << unary_bits) - 1
    coded = coded_runs = remainders = run_remainders = 0
    more = True
    while more:
        words, first, end = bits.window(position) if coded < weights or coded_runs < runs else ([0], position >> 3, 0)
        while more:
            ahead = coded - coded_runs
            has_weights = ahead < _LEAD and coded < weights
            has_runs = ahead >= 0 and coded_runs < runs
            more = has_weights or has_runs
            if more and position >= end:
                break
            starts.append(position)
            with_weights.append(has_weights)
            with_runs.append(has_runs)
            after = position + remainders * weight_bits + run_remainders * run_bits
            if not more:
                position = after
                break
            word = words[(position >> 3) - first] >> (position & 7)
            remainders = run_remainders = ones = 0
            if has_weights:
                remainders = most_symbols
                if not uncompressed:
                    ones = (word & 0xFFF).bit_count()
                    word >>= 12
                    after += 12 + ones
            if has_runs:
                run_remainders = unary_bits - (word & unary_mask).bit_count()
                word >>= unary_bits
                after += unary_bits
            if has_weights:
                if not truncated:
                    remainders -= (word & (1 << ones) - 1).bit_count()
                coded += remainders
                remainders -= max(0, coded - weights)
            coded_runs += run_remainders
            run_remainders -= max(0, coded_runs - runs)
            position = after
    return np.array(starts), np.array(with_weights), np.array(with_runs), position


@dataclass(frozen=True)
class _Symbols:
    """Symbols of one kind in a batch of slices, in order.

    Attributes:
        quotients: their unary parts.
        slices: which slice each is of.
        ranks: which of its slice's symbols of that kind it is.
        chunks: which chunk each is of.
        places: which of its chunk's symbols of that kind it is.
    """

    quotients: np.ndarray
    slices: np.ndarray
    ranks: np.ndarray
    chunks: np.ndarray
    places: np.ndarray


def _symbols(codes: np.ndarray, ends: np.ndarray, chunks: np.ndarray, slices: np.ndarray, most: np.ndarray) -> _Symbols:
    """Group codes into symbols.

    Args:
        codes: int `[chunks, 12]`, to be added up.
        ends: bool `[chunks, 12]`, where a symbol ends.
        chunks: the number of each row.
        slices: the slice of each row, ascending.
        most: symbols of each slice; those after them are padding.
    """
    sums = np.cumsum(codes.ravel(), dtype=np.int32)
    at = np.flatnonzero(ends)
    row = at // _SYMBOLS
    slice_of = slices[row]
    rank = np.arange(len(at)) - np.searchsorted(slice_of, np.arange(len(most)))[slice_of]
    before = np.concatenate(([0], sums[at[:-1]]))
    first_code = np.searchsorted(slices, np.arange(len(most))) * _SYMBOLS
    before = np.where(rank == 0, np.concatenate(([0], sums))[first_code[slice_of]], before)
    quotients = sums[at] - before
    keep = rank < most[slice_of]
    row, kept_chunks = row[keep], chunks[row[keep]]
    counts = np.bincount(row, minlength=len(chunks))
    places = np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
    return _Symbols(quotients[keep].astype(np.int64), slice_of[keep], rank[keep], kept_chunks, places)


def _expand(bits: _Bits, batch: list[_Slice], most: int) -> np.ndarray:
    """The weights of consecutive slices, zero runs included.

    Raises:
        Fault: there are more than `most`, or one of more than 9 bits.
    """
    weights_of = np.array([one.weights for one in batch])
    weight_bits = np.array([one.weight_bits for one in batch])
    weight_symbols = np.array([one.weight_symbols for one in batch])
    golomb = np.array([not one.uncompressed for one in batch])
    truncated = np.array([one.truncated for one in batch])
    runs_of = np.array([one.runs for one in batch])
    run_bits = np.array([one.run_bits for one in batch])
    slices = np.repeat(np.arange(len(batch)), [len(one.starts) for one in batch])
    with_weights = np.concatenate([one.with_weights for one in batch])
    with_runs = np.concatenate([one.with_runs for one in batch])
    starts = np.concatenate([one.starts for one in batch])

    # The unary parts of a chunk: the weights' first bits, the zero runs, the weights' second bits.
    unary_of_weights = golomb[slices] & with_weights
    run_symbols = np.where(run_bits == _MOST_RUN_BITS, _WIDE_RUN_BITS, _RUN_BITS)[slices]
    first_width = np.where(unary_of_weights, 12, 0)
    run_width = np.where(with_runs, run_symbols, 0)
    words = bits.words(starts)
    first_bits = _low(words, first_width)
    words = words >> first_width.astype(np.uint64)
    runs_unary = _low(words, run_width)
    words = words >> run_width.astype(np.uint64)
    second_width = _ONES[first_bits]
    second_bits = _low(words, second_width)
    remainders_at = starts + first_width + run_width + second_width

    columns = np.arange(_SYMBOLS)
    rows = np.flatnonzero(with_weights)
    first = (first_bits[rows, None] >> columns & 1).astype(np.int8)
    rank = np.cumsum(first, axis=1, dtype=np.int8) - first
    codes = first + (first & (second_bits[rows, None] >> rank).astype(np.int8))
    ends = ((codes < 2) | truncated[slices[rows], None]) & (columns < weight_symbols[slices[rows], None])
    found = _symbols(codes, ends, rows, slices[rows], weights_of)
    width = weight_bits[found.slices]
    remainders = _low(bits.words(remainders_at[found.chunks + 1] + found.places * width), width)
    numbers = (found.quotients << width) + remainders
    if numbers.max() >= _INDICES:
        raise Fault(f"the stream has the number {numbers.max()} for a weight, of {_INDICES}")
    values = np.stack([one.palette for one in batch])[found.slices, numbers]
    if np.abs(values).max() > _MOST_WEIGHT:
        raise Fault("the stream has a weight of more than 9 bits")

    after = np.zeros(len(values), np.int64)
    leading = np.zeros(len(batch), np.int64)
    if runs_of.any():
        rows = np.flatnonzero(with_runs)
        codes = (runs_unary[rows, None] >> columns & 1).astype(np.int8)
        ends = (codes == 0) & (columns < run_symbols[rows, None])
        run = _symbols(codes, ends, rows, slices[rows], runs_of)
        width = run_bits[run.slices]
        weights_in = np.bincount(found.chunks, minlength=len(starts))[run.chunks] * weight_bits[run.slices]
        remainders = _low(bits.words(remainders_at[run.chunks + 1] + weights_in + run.places * width), width)
        lengths = (run.quotients << width) + remainders
        has_leading = np.array([one.leading_run for one in batch])[run.slices]
        place = run.ranks - has_leading
        follows = place >= 0
        first_weight = np.cumsum(weights_of) - weights_of
        after[(first_weight[run.slices] + place)[follows]] = lengths[follows]
        leading[run.slices[~follows]] = lengths[~follows]

    total = len(values) + int(after.sum()) + int(leading.sum())
    if total > most:
        raise Fault(f"the stream has at least {total - most} weights too many")
    result = np.zeros(total, np.int16)
    zeros_before = np.cumsum(after) - after + np.cumsum(leading)[found.slices]
    result[np.arange(len(values)) + zeros_before] = values
    return result


def _low(words: np.ndarray, width_bits: np.ndarray) -> np.ndarray:
    """int64: the lowest bits of each word."""
    return (words & ((np.uint64(1) << width_bits.astype(np.uint64)) - np.uint64(1))).astype(np.int64)
