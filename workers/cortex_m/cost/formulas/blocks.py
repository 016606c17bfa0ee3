"""Counts that many kernels share: copies, and the products that a convolution ends in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

#: How often loops run, by their names. Names with a dot are of routines that several kernels share.
Counts = dict[str, float]


def up(number: int, block: int) -> int:
    """Blocks that hold a number of values.

    Args:
        number: of values.
        block: values in one block.

    Returns:
        How many blocks; the last one may be partly filled.
    """
    return -(-number // block)


def scaled(counts: Counts, times: float) -> Counts:
    """Every count, so many times.

    Args:
        counts: by the loop's name.
        times: how often all of them happen.

    Returns:
        New counts.
    """
    return {name: value * times for name, value in counts.items()}


def total(parts: Iterable[Mapping[str, float]]) -> Counts:
    """Counts added by name."""
    result: Counts = {}
    for part in parts:
        for name, value in part.items():
            result[name] = result.get(name, 0) + value
    return result


def mve_product(rows: int, outs: int, depth: int) -> Counts:
    """`arm_nn_mat_mult_nt_t_s8` with MVE: four rows of the left side at once, 16 values of the depth at once; rows that
    are left over one at a time, requantised by four outputs.

    Args:
        rows: of the left side.
        outs: rows of the right side, which are outputs.
        depth: values that each product sums.

    Returns:
        Runs of each loop, by the loop's name.
    """
    block, rest, k16 = rows // 4, rows % 4, up(depth, 16)
    return {
        "product.calls": 1,
        "product.block": block,
        "product.block_outs": block * outs,
        "product.block_outs_k16": block * outs * k16,
        "product.rest": rest,
        "product.rest_outs": rest * outs,
        "product.rest_outs_k16": rest * outs * k16,
        "product.rest_outs4": rest * (outs // 4),
        "product.rest_outs_tail": rest * (outs % 4),
    }


def places_at(pitch: int) -> tuple[tuple[int, int], ...]:
    """Where source and destination of calls begin, both at any multiple of a pitch.

    Args:
        pitch: in bytes.

    Returns:
        Offsets from a multiple of four bytes, of source and destination; each pair is as frequent as the others.
    """
    offsets = [number * pitch % 4 for number in range(4)]
    return tuple((source, destination) for source in offsets for destination in offsets)


def dsp_copy(calls: float, size: int, name: str, places: Sequence[tuple[int, int]] = ((0, 0),)) -> Counts:
    """`memcpy` or `memset` of newlib 3.3 by its assembly.

    Args:
        calls: how often the routine is called.
        size: bytes of each call.
        name: `memcpy` or `memset`.
        places: offsets of source and destination from a multiple of four bytes; each is as frequent as the others.
            `memset` takes the destinations.

    Returns:
        Runs of each loop, by the loop's name.
    """
    one = _memcpy if name == "memcpy" else _memset
    share = calls / len(places)
    return {f"{name}.{loop}": share * times for loop, times in total(one(size, *at) for at in places).items()}


def _memcpy(size: int, source: int, destination: int) -> Counts:
    """Words of an aligned destination, in blocks of 64, 16 and 4 bytes; then the bytes that are left. With both sides
    unaligned, bytes up to the destination's next word come first. Fewer than eight bytes go one by one."""
    counts: Counts = {"calls": 1}
    if (source or destination) and size < 8:
        return {**counts, "short": 1, "bytes": size - 3} if size > 3 else {**counts, "short_tail": 1, **_tail(size)}
    if source or destination:
        counts["unaligned"] = 1
    if source and destination:
        first = 4 - destination
        counts |= {"head": 1, "head_pair": first > 1}
        size -= first
    return {**counts, "64": size // 64, "16": size % 64 // 16, "4": size % 16 // 4, **_tail(size)}


def _tail(size: int) -> Counts:
    return {"tail": size % 4 > 0, "pair": size % 4 > 1}


def _memset(size: int, _: int, destination: int) -> Counts:
    """Bytes up to the next word, blocks of 16 bytes, words, then the bytes that are left."""
    head = min(-destination % 4, size)
    size -= head
    return {
        "calls": 1,
        "head": head,
        "any_16": size > 15,
        "16": size // 16,
        "any_4": size % 16 > 3,
        "4": size % 16 // 4,
        "any_1": size % 4 > 0,
        "1": size % 4,
    }


def mve_copy(calls: float, size: int, name: str) -> Counts:
    """`arm_memcpy_s8` or `arm_memset_s8` with MVE, which the compiler inlines: a loop over 16 bytes.

    Args:
        calls: how often the routine is called.
        size: bytes of each call.
        name: `memcpy` or `memset`.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {f"{name}_calls": calls, f"{name}_16": calls * up(size, 16)}


def copies(calls: float, size: int, name: str, mve: bool, places: Sequence[tuple[int, int]] = ((0, 0),)) -> Counts:
    """Copies (`memcpy`) or fills (`memset`) of so many bytes.

    Args:
        calls: how often the routine is called.
        size: bytes of each call.
        name: `memcpy` or `memset`.
        mve: whether the compiler inlines CMSIS-NN's own routine, which no offset matters to; else newlib's runs.
        places: as of `dsp_copy`.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return mve_copy(calls, size, name) if mve else dsp_copy(calls, size, name, places)
