"""The weight format `SWD`: from an entropy-coded stream to weights in the order of the stream.

Vela's own decoder (`ethosu.mlw_codec.decode`) ends the process at a damaged stream, so it is not used. Where chunks
start is found one by one (`slices.py`). The rest is done with arrays, for many slices at once.
"""

from __future__ import annotations

import numpy as np

from workers.ethos_u.npu_model.errors import Fault
from workers.ethos_u.npu_model.weights.bits import Bits
from workers.ethos_u.npu_model.weights.slices import CODES, INDICES, ONES, Chunks, Header, slices
from workers.ethos_u.npu_model.weights.symbols import Codes, quotients, with_remainders

_MOST_WEIGHT = 255
#: More than a weight can take, with a header of its own.
_MOST_BYTES = 128
#: Weights that are worked on at once, roughly.
_BATCH = 1 << 17

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
    if len(stream) > _MOST_BYTES * (count + 1):
        raise Fault(f"the stream has {len(stream)} bytes, too many for {count} weights")
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
    starts = np.concatenate([chunks.starts for _, chunks in batch])
    with_weights = np.concatenate([chunks.with_weights for _, chunks in batch])
    with_runs = np.concatenate([chunks.with_runs for _, chunks in batch])
    of_slice = np.repeat(np.arange(len(batch)), [len(chunks.starts) for _, chunks in batch])

    # A chunk begins with which of the weights' codes are not 0, the codes of zero runs, and which of the former are 2.
    run_counts = np.array([one.run_codes for one in headers])[of_slice]
    ones_bits = np.where(np.array([one.golomb for one in headers])[of_slice] & with_weights, CODES, 0)
    runs_bits = np.where(with_runs, run_counts, 0)
    words = bits.words(starts)
    ones = _low(words, ones_bits)
    runs_ones = _low(words >> ones_bits.astype(np.uint64), runs_bits)
    twos_bits = _ONES[ones]
    twos = _low(words >> (ones_bits + runs_bits).astype(np.uint64), twos_bits)
    # The remainders of the chunk before: first the weights'.
    remainders_at = starts + ones_bits + runs_bits + twos_bits

    chunks = np.flatnonzero(with_weights)
    here = of_slice[chunks]
    codes = Codes(
        ones[chunks],
        twos[chunks],
        counts=np.array([one.weight_codes for one in headers])[here],
        truncated=np.array([one.truncated for one in headers])[here],
        of_slice=here,
    )
    symbols, counts = quotients(codes, np.array([one.weights for one in headers]))
    width_bits = np.array([one.weight_bits for one in headers])[here]
    numbers = with_remainders(bits, symbols, counts, remainders_at[chunks + 1], width_bits)
    weights = _weights(numbers, headers)
    if not with_runs.any():
        if len(weights) > most:
            raise Fault(f"the stream has at least {len(weights) - most} weights too many")
        return weights

    remainders_at[chunks + 1] += counts * width_bits
    chunks = np.flatnonzero(with_runs)
    runs = _zero_runs(bits, headers, of_slice[chunks], runs_ones[chunks], run_counts[chunks], remainders_at[chunks + 1])
    return _spread(weights, _gaps(runs, headers), most)


def _zero_runs(
    bits: Bits, headers: list[Header], of_slice: np.ndarray, ones: np.ndarray, counts: np.ndarray,
    remainders_at: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Lengths of the zero runs of consecutive slices. The arrays are those of the chunks that have any."""
    # A zero run's quotient is as many ones as there are before a 0: half of what they are as twos.
    all_twos = np.full(len(ones), (1 << CODES) - 1)
    codes = Codes(ones, all_twos, counts, np.zeros(len(ones), np.bool_), of_slice)
    symbols, symbol_counts = quotients(codes, np.array([one.runs for one in headers]))
    width_bits = np.array([one.run_bits for one in headers])[of_slice]
    return with_remainders(bits, symbols // 2, symbol_counts, remainders_at, width_bits)


def _spread(weights: np.ndarray, gaps: np.ndarray, most: int) -> np.ndarray:
    """int16: the weights with as many zeros before each, and after the last, as `gaps` says.

    Raises:
        Fault: there are more than `most`.
    """
    total = len(weights) + int(gaps.sum())
    if total > most:
        raise Fault(f"the stream has at least {total - most} weights too many")
    result = np.zeros(total, np.int16)
    result[np.arange(len(weights)) + np.cumsum(gaps[:-1])] = weights
    return result


def _weights(numbers: np.ndarray, headers: list[Header]) -> np.ndarray:
    """int16: what coded numbers mean, by the palettes of their slices."""
    if numbers.max() >= INDICES:
        raise Fault(f"the stream has {numbers.max()} as the number of a weight, of {INDICES}")
    palettes = np.concatenate([one.palette for one in headers])
    weights = palettes[numbers + np.repeat(np.arange(len(headers)) * INDICES, [one.weights for one in headers])]
    if max(weights.max(), -weights.min()) > _MOST_WEIGHT:
        raise Fault("the stream has a weight of more than 9 bits")
    return weights


def _gaps(runs: np.ndarray, headers: list[Header]) -> np.ndarray:
    """How many zeros stand before each weight, and after the last one."""
    weights_of = np.array([one.weights for one in headers])
    runs_of = np.array([one.runs for one in headers])
    gaps = np.zeros(weights_of.sum() + 1, np.int64)
    first = (np.cumsum(weights_of) - weights_of) - (np.cumsum(runs_of) - runs_of)
    first += [not one.leading_run for one in headers]
    # The last run of a slice and the leading one of the next stand before the same weight.
    np.add.at(gaps, np.arange(len(runs)) + np.repeat(first, runs_of), runs)
    return gaps


def _low(words: np.ndarray, width_bits: np.ndarray) -> np.ndarray:
    """int64: the lowest bits of each word."""
    return (words & ((np.uint64(1) << width_bits.astype(np.uint64)) - np.uint64(1))).astype(np.int64)
