"""Pools."""

from __future__ import annotations

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, copies, scaled, total, up
from workers.cortex_m.cost.taps import taps_inside, valid_rows
from workers.cortex_m.target import InstructionSet


def average(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_avgpool_s8`: 16 channels at once with MVE, a buffer of sums with DSP; one division per value.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    inside, rows = taps_inside(call), sum(valid_rows(call)) * call.ow
    if instruction_set is InstructionSet.MVE:
        c16 = up(call.c, 16)
        per = {"c16": call.pixels * c16, "c16_rows": rows * c16, "c16_taps": inside * c16}
    else:
        rest = inside - call.pixels
        per = {
            "rows": rows,
            "taps": inside,
            "first_c": call.pixels * call.c,
            "taps_c": rest * call.c,
        }
    return scaled({"calls": 1 / call.n, "output_rows": call.oh, "pixels": call.pixels, **per}, call.n)


def maximum(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_max_pool_s8`: the first tap is copied, the others are compared; the whole result is clamped at the end. With
    DSP, GCC 12.2 unrolls both loops by four values. Their instructions are those of its assembly.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    inside, rows = taps_inside(call), sum(valid_rows(call)) * call.ow
    rest, values = inside - call.pixels, call.pixels * call.c
    common: Counts = {"calls": 1 / call.n, "output_rows": call.oh, "pixels": call.pixels, "rows": rows, "taps": rest}
    mve = instruction_set is InstructionSet.MVE
    first = copies(call.pixels, call.c, "memcpy", mve, _first_taps(call))
    if mve:
        per: list[Counts] = [first, {"taps_c16": rest * up(call.c, 16), "clamp": up(values, 16)}]
    else:
        words, tail = divmod(call.c, 4)
        executed = _PREPARED * (words > 0) + _COMPARED * words + _COMPARED_TAIL[tail]
        clamped = _CLAMPED * (values // 4) + _CLAMPED_TAIL[values % 4]
        per = [first, {"taps_executed": rest * executed, "clamp_executed": clamped}]
    return scaled(total([common, *per]), call.n)


#: Instructions before the loop over four values, per four values, and of up to three values behind them.
_PREPARED, _COMPARED, _COMPARED_TAIL = 6, 30, (0, 7, 14, 19)
_CLAMPED, _CLAMPED_TAIL = 44, (0, 10, 20, 28)

#: Rows and columns of the output after which offsets from a multiple of four bytes have repeated, edges included.
_PERIOD = 8


def _first_taps(call: KernelCall) -> list[tuple[int, int]]:
    """Offsets of the first tap and of the result from a multiple of four bytes, of pixels of the output."""
    return [
        (
            (max(y * call.sh - call.ph, 0) * call.w + max(x * call.sw - call.pw, 0)) * call.c % 4,
            (y * call.ow + x) * call.c % 4,
        )
        for y in range(min(call.oh, _PERIOD))
        for x in range(min(call.ow, _PERIOD))
    ]
