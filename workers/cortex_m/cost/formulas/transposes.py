"""CMSIS-NN's transpose."""

from __future__ import annotations

from math import prod

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, row_copy, up
from workers.cortex_m.target import InstructionSet


def transpose(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_transpose_s8`: nested loops over the axes of the input. Two axes, and with MVE the last two of four, go by
    columns instead. The compiler has a loop of its own for an innermost axis whose values stay side by side. It
    compiles the loops for three axes and for four apart. They differ in the beginning of a row.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name. With DSP they are instructions of the assembly by GCC 12.2.
    """
    rank = len(call.dims)
    if rank == 1:
        return {"memcpy.calls": 1, "memcpy.64": call.dims[0] / 64}
    return _mve(call, rank) if instruction_set is InstructionSet.MVE else {"calls": 1, "executed": _dsp(call, rank)}


def _dsp(call: KernelCall, rank: int) -> int:
    """Executed instructions."""
    n, h, w, c = _four_axes(call)
    if rank == 2:
        return 34 + w * (5 + 5 * c)
    four = rank == 4
    images, planes, rows = (n if four else 0), n * h, n * h * w
    if _is_strided(call):
        call_, plane, row = (83, 15, 8 + 5 * c) if four else (64, 12, 12 + 5 * c)
    else:
        call_, plane, row = (94, 19, _dsp_row(c, four)) if four else (83, 16, _dsp_row(c, four))
    return call_ + 15 * images + plane * planes + row * rows


def _dsp_row(values: int, four: bool) -> int:
    """Executed instructions of a row that is copied: by value, or by words and up to three values behind them."""
    if values <= 6:
        return (13 if four else 10) + 4 * values
    rest = values % 4
    one, two, three = (8, 7, 0) if four else (10, 7, 8)
    return (22 if four else 19) + values // 4 * 4 + one * (rest > 0) + two * (rest > 1) + three * (rest > 2)


def _mve(call: KernelCall, rank: int) -> Counts:
    """Runs of each loop. Rows of three axes are counted as rows of four, by the instructions that they begin with."""
    n, h, w, c = _four_axes(call)
    if rank == 2:
        return {"calls_by_columns": 1, "executed": 42 + c * (11 + 13 * up(w, 8))}
    if rank == 4 and call.perm[:2] == (0, 1):
        executed = 90 + 17 * n + 19 * n * h + n * h * c * (11 + 12 * up(w, 8))
        return {"calls_by_columns": 1, "executed": executed}
    rows, three = n * h * w, rank == 3
    counts: Counts = {"calls": 1, "planes": n * h, "images": n}
    if _is_strided(call):
        return {**counts, "strided_rows": rows * (14 / 10 if three else 1), "strided_values": rows * c}
    begins = {"rows": 19 / 23, "short_rows": 15 / 17}
    for name, times in row_copy(c, mve=True).items():
        counts[f"copied_{name}"] = rows * times * (begins.get(name, 1) if three else 1)
        if three and name in ("8", "16_then_tail", "tail"):
            counts[f"copied_{name}_of_three"] = rows * times
    return counts


def _four_axes(call: KernelCall) -> tuple[int, int, int, int]:
    """The shape of the input: two axes are the last two of four, three the last three."""
    n, h, w, c = (1,) * (4 - len(call.dims)) + call.dims
    return n, h, w, c


def _is_strided(call: KernelCall) -> bool:
    """Whether the values of the innermost axis lie apart in the result."""
    behind = call.perm[call.perm.index(len(call.dims) - 1) + 1 :]
    return prod(call.dims[axis] for axis in behind) > 1
