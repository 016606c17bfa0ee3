"""Counts that many kernels share: copies, rows of floats, and the products that a convolution ends in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from workers.cortex_m.target import InstructionSet

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
    """`arm_nn_mat_mult_nt_t_s8` with MVE takes four rows of the left side and 16 values of the depth at once. Rows that
    are left over come one at a time, requantised by four outputs.

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


#: The shortest row of floats that GCC takes four at a time with MVE, where it sums or scales rows.
_LEAST_BY_FOUR = 5


def floats_by_four(rows: int, size: int, instruction_set: InstructionSet) -> Counts:
    """How a loop that GCC vectorises takes rows of floats. It takes four at once with MVE, if a row has more than four.

    Args:
        rows: their number.
        size: floats of a row.
        instruction_set: of the processor.

    Returns:
        `by4`, `by1`, and the rows with a remainder as `any_by1`. It is empty where floats are taken one by one.
    """
    if instruction_set is not InstructionSet.MVE or size < _LEAST_BY_FOUR:
        return {}
    by4, by1 = divmod(size, 4)
    return {"by4": rows * by4, "by1": rows * by1, "any_by1": rows * (by1 > 0)}


def places_at(pitch: int) -> tuple[tuple[int, int], ...]:
    """Where source and destination of calls begin, both at any multiple of a pitch.

    Args:
        pitch: in bytes.

    Returns:
        Offsets of source and destination from a multiple of four bytes; all pairs are equally frequent.
    """
    offsets = [number * pitch % 4 for number in range(4)]
    return tuple((source, destination) for source in offsets for destination in offsets)


def dsp_copy(calls: float, size: int, name: str, places: Sequence[tuple[int, int]] = ((0, 0),)) -> Counts:
    """`memcpy` or `memset` of newlib 3.3, by the instructions of their assembly for Armv7E-M. Armv8.1-M takes the same,
    but for `memcpy` two more in each block of 64 or 16 bytes.

    Args:
        calls: how often the routine is called.
        size: bytes of each call.
        name: `memcpy` or `memset`.
        places: offsets of source and destination from a multiple of four bytes; all pairs are equally frequent.
            `memset` takes the destinations.

    Returns:
        Calls, executed instructions and blocks of the routine.
    """
    share = calls / len(places)
    if name == "memset":
        return {"memset.calls": calls, "memset.executed": share * sum(_memset(size, to) for _, to in places)}
    executed = (_memcpy(size, *at) for at in places)
    return {
        "memcpy.calls": calls,
        "memcpy.executed": share * sum(executed),
        "memcpy.blocks": calls * (size // 64 + size % 64 // 16),
    }


def _memcpy(size: int, source: int, destination: int) -> int:
    """Executed instructions. Words of an aligned destination are copied by blocks of 64, 16 and 4 bytes, then the bytes
    that are left. With both sides unaligned, bytes up to the destination's next word come first; fewer than eight bytes
    go one by one."""
    aligned = not source and not destination
    if not aligned and size < 4:
        return 12 + _tail(size)
    if not aligned and size < 8:
        return 16 + 4 * (size - 3)
    begin = 14 if aligned else 18
    if source:
        begin += 2
    if source and destination:
        first = 4 - destination
        begin += 7 + 3 * (first > 1)
        size -= first
    return begin + 34 * (size // 64) + 10 * (size % 64 // 16) + 4 * (size % 16 // 4) + _tail(size)


def _tail(size: int) -> int:
    """Of up to three bytes behind the last word."""
    return 5 * (size % 4 > 0) + 2 * (size % 4 > 1)


def _memset(size: int, destination: int) -> int:
    """Executed instructions: bytes up to the next word, blocks of 16 bytes, words, then the bytes that are left."""
    head = -destination % 4
    if destination and size <= head:
        return 10 + 5 * size if size else 7
    executed = 7 + 5 * head if destination else 6
    size -= head
    rest, words = size % 4, size % 16 // 4
    if size < 4:
        return executed + 4 + (2 + 3 * rest if rest else 0)
    executed += 7 + (11 + 7 * (size // 16) if size > 15 else 3)
    if words:
        executed += 6 + 3 * words
    else:
        executed += 4 if rest else 5
    return executed + 1 + (2 + 3 * rest if rest else 0)


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


#: Values of a row that is copied by value, without and with MVE.
_SHORT = (6, 7)

#: The code behind MVE's blocks copies its last two values without a branch, so six and seven take the same.
_MOST_BRANCHES = 5


def row_copy(values: int, mve: bool) -> Counts:
    """A loop that copies int8 values, as GCC 12.2 compiles it. It goes by words, with MVE by 16 bytes and then by
    eight. The values that are left follow, each by code of its own. A short row is copied by value.

    Args:
        values: of the row.
        mve: whether the loop is compiled for MVE.

    Returns:
        Runs of each loop for one row, by the loop's name.
    """
    if values <= _SHORT[mve]:
        return {"short_rows": 1, "short_values": values}
    if not mve:
        rest = values % 4
        tails: Counts = {"any_tail": rest > 0, "tail_of_two": rest > 1, "tail_of_three": rest > 2}
        return {"rows": 1, "words": values // 4, **tails}
    by16, rest = divmod(values, 16)
    tail = rest % 8
    blocks: Counts = {"16": by16, "any_16": by16 > 0, "8": rest // 8, "16_then_tail": by16 > 0 and 0 < rest < 8}
    last: Counts = {"any_tail": tail > 0, "tail": min(tail, _MOST_BRANCHES), "tail_of_six": tail > _MOST_BRANCHES}
    return {"rows": 1, **blocks, **last}


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
