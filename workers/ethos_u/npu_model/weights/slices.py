"""The slices of an entropy-coded stream: their headers, and where their chunks start.

A slice codes up to 32768 weights in chunks. A chunk has up to 12 weights in a Golomb-Rice code or in a fixed number of
bits. Where zero runs are on, it also says how many zeros stand between weights. A chunk has the codes of its symbols'
quotients, then the remainders of the chunk before it. So where it starts depends on all chunks before it. Source:
Vela's `mlw_encode.cpp` and `mlw_decode.cpp` in `ethosu/regor/dependencies/mlw_codec/source`,
`ethosu/mlw_codec/mlw_decode.c`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workers.ethos_u.npu_model.errors import Fault
from workers.ethos_u.npu_model.weights.bits import Bits

# Values of a header's divisor fields that are no divisors.
_NO_ZERO_RUNS = 6
_END = 7
_UNCOMPRESSED = 7

_MOST_RUN_BITS = 3
_MOST_WEIGHT_BITS = 5

#: Numbers that weights are coded as.
INDICES = 512
#: Codes of a kind in a chunk, which are at most as many symbols, and where remainders are wide.
CODES = 12
_WIDE_CODES = 8
#: Weights wait where zero runs are so many symbols behind.
_LEAD = 8

#: A header and a palette of 32 entries of 9 bits.
_HEADER_BYTES = 48

_WORD, _LONG_WORD = struct.Struct("<I"), struct.Struct("<Q")
_CODES_MASK = (1 << CODES) - 1
#: How many ones each number of 12 bits has.
ONES = [number.bit_count() for number in range(1 << CODES)]
_NONE = [0] * len(ONES)
_MASKS = [(1 << width) - 1 for width in range(CODES + 1)]


@dataclass(frozen=True, eq=False)
class Header:
    """What stands at the beginning of a slice.

    Attributes:
        weights: how many are coded; those of zero runs are not counted.
        weight_bits: bits of a weight's remainder.
        golomb: weights have quotients.
        truncated: a quotient is at most 2, and a single code.
        runs: how many zero runs there are.
        run_bits: bits of a zero run's remainder.
        leading_run: the first zero run comes before the first weight, not after it.
        palette: int16 `[512]`, from coded numbers to weights.
        palette_bits: of a coded number without quotient.
    """

    weights: int
    weight_bits: int
    golomb: bool
    truncated: bool
    runs: int
    run_bits: int
    leading_run: bool
    palette: np.ndarray
    palette_bits: int

    @property
    def weight_codes(self) -> int:
        """Codes of weights in a chunk; without quotients, weights."""
        return CODES if self.golomb or self.weight_bits <= _MOST_WEIGHT_BITS else _WIDE_CODES

    @property
    def run_codes(self) -> int:
        """Codes of zero runs in a chunk."""
        return CODES if self.run_bits < _MOST_RUN_BITS else _WIDE_CODES


@dataclass(frozen=True, eq=False)
class Chunks:
    """The chunks of a slice.

    Attributes:
        starts: their bit positions. At the last one there are only the remainders of the chunk before it.
        with_weights, with_runs: for each of them, whether it has codes of that kind.
        end: the bit after the slice.
    """

    starts: np.ndarray
    with_weights: np.ndarray
    with_runs: np.ndarray
    end: int


def slices(bits: Bits) -> Iterator[tuple[Header, Chunks]]:
    """The slices of a stream.

    Raises:
        Fault: the stream is damaged, or ends without an end marker.
    """
    position = 0
    header: Header | None = None
    while position < bits.length:
        fields = _Fields(bits, position)
        run_bits = fields.take(3)
        if run_bits == _END:
            # The rest of its byte, and markers up to the end of the stream.
            position = (position + 3 + 7) & ~7
            header = None
            continue
        header = _header(fields, run_bits, header)
        try:
            chunks = _chunks(bits, position + fields.taken, header)
        except struct.error:
            chunks = None
        if chunks is None or chunks.end > bits.length:
            raise Fault("the stream ends in the middle of a slice")
        position = chunks.end
        yield header, chunks
    if header is not None:
        raise Fault("the stream has no end marker")


class _Fields:
    """The fields of a header."""

    def __init__(self, bits: Bits, position: int) -> None:
        first = position >> 3
        self._number = int.from_bytes(bits.padded[first : first + _HEADER_BYTES], "little") >> (position & 7)
        self.taken = 0

    def take(self, width_bits: int) -> int:
        value = self._number >> self.taken & (1 << width_bits) - 1
        self.taken += width_bits
        return value


def _header(fields: _Fields, run_bits: int, before: Header | None) -> Header:
    """The rest of a header; before: that of the last slice, whose palette it may use."""
    with_runs = run_bits != _NO_ZERO_RUNS
    if with_runs and run_bits > _MOST_RUN_BITS:
        raise Fault(f"a slice has {run_bits} as its divisor of zero runs, which has no meaning")
    weights = fields.take(15) + 1
    weight_bits = fields.take(3)
    golomb = weight_bits != _UNCOMPRESSED
    if golomb and weight_bits > _MOST_WEIGHT_BITS:
        raise Fault(f"a slice has {weight_bits} as its divisor of weights, which has no meaning")
    truncated, new_palette = bool(fields.take(1)), bool(fields.take(1))
    if new_palette:
        palette, palette_bits = _palette(fields)
    elif before is None:
        raise Fault("the first slice has no palette")
    elif with_runs != (before.runs > 0):
        raise Fault("a slice turns zero runs on or off without a new palette")
    else:
        palette, palette_bits = before.palette, before.palette_bits
    return Header(
        weights=weights,
        weight_bits=weight_bits if golomb else palette_bits,
        golomb=golomb,
        truncated=truncated,
        runs=weights + new_palette if with_runs else 0,
        run_bits=run_bits if with_runs else 0,
        leading_run=with_runs and new_palette,
        palette=palette,
        palette_bits=palette_bits,
    )


def _palette(fields: _Fields) -> tuple[np.ndarray, int]:
    offset, size = fields.take(5), fields.take(5)
    size += size > 0
    entry_bits = fields.take(3) + 2
    # A magnitude above its sign. Numbers beyond the palette count on from the offset.
    folded = np.arange(INDICES) - size + offset
    folded[:size] = [fields.take(entry_bits) for _ in range(size)]
    palette = np.where(folded & 1, -(folded >> 1), folded >> 1).astype(np.int16)
    return palette, (size - 1).bit_length() if size else entry_bits


def _chunks(bits: Bits, position: int, header: Header) -> Chunks:
    """Where chunks start. Raises struct.error if that is far beyond the end of the stream."""
    if header.runs:
        return _chunks_with_runs(bits, position, header)
    if header.golomb:
        return _golomb_chunks(bits, position, header)
    weights, width = header.weights, header.weight_bits
    starts = np.arange(-1, -(-weights // header.weight_codes)) * (header.weight_codes * width) + position
    starts[0] = position
    return _without_runs(starts, position + weights * width)


def _golomb_chunks(bits: Bits, position: int, header: Header) -> Chunks:
    starts: list[int] = []
    # Tables rather than arithmetic: this loop is most of the time that decoding takes.
    add, word_at, stream = starts.append, _WORD.unpack_from, bits.padded
    count, masks = ONES, _MASKS
    # A 2 does not end a symbol, unless symbols are truncated.
    unfinished = _NONE if header.truncated else ONES
    steps = [CODES + (CODES - twos) * header.weight_bits for twos in range(CODES + 1)]
    left, twos = header.weights, CODES
    while left > 0:
        for _ in range(-(-left // CODES)):
            add(position)
            word = word_at(stream, position >> 3)[0] >> (position & 7)
            ones = count[word & _CODES_MASK]
            position += ones + steps[twos]
            twos = unfinished[word >> CODES & masks[ones]]
            left += twos - CODES
    add(position)
    return _without_runs(np.array(starts), position + (CODES - twos + left) * header.weight_bits)


def _without_runs(starts: np.ndarray, end: int) -> Chunks:
    with_weights = np.ones(len(starts), np.bool_)
    with_weights[-1] = False
    return Chunks(starts, with_weights, np.zeros(len(starts), np.bool_), end)


def _chunks_with_runs(bits: Bits, position: int, header: Header) -> Chunks:
    found: list[int] = []
    add, word_at, stream = found.append, _LONG_WORD.unpack_from, bits.padded
    weights, runs, golomb = header.weights, header.runs, header.golomb
    weight_bits, weight_codes, run_bits, run_codes = (
        header.weight_bits, header.weight_codes, header.run_bits, header.run_codes,
    )  # fmt: skip
    count, masks, runs_mask = ONES, _MASKS, _MASKS[header.run_codes]
    unfinished = _NONE if header.truncated else ONES
    coded = coded_runs = remainders = run_remainders = 0
    while True:
        # The kind that is ahead waits.
        ahead = coded - coded_runs
        has_weights = ahead < _LEAD and coded < weights
        has_runs = ahead >= 0 and coded_runs < runs
        add(position << 2 | has_weights << 1 | has_runs)
        after = position + remainders * weight_bits + run_remainders * run_bits
        if not (has_weights or has_runs):
            break
        word = word_at(stream, position >> 3)[0] >> (position & 7)
        remainders = run_remainders = ones = 0
        if has_weights and golomb:
            ones = count[word & _CODES_MASK]
            word >>= CODES
            after += CODES + ones
        if has_runs:
            run_remainders = run_codes - count[word & runs_mask]
            word >>= run_codes
            after += run_codes
            coded_runs += run_remainders
            if coded_runs > runs:
                run_remainders -= coded_runs - runs
        if has_weights:
            remainders = weight_codes - unfinished[word & masks[ones]]
            coded += remainders
            if coded > weights:
                remainders -= coded - weights
        position = after
    chunks = np.array(found)
    return Chunks(chunks >> 2, (chunks & 2).astype(np.bool_), (chunks & 1).astype(np.bool_), after)
