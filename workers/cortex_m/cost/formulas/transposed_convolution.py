"""Transposed convolutions."""

from __future__ import annotations

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, copies, mve_product, scaled, total, up
from workers.cortex_m.cost.formulas.convolution import dsp_pairs
from workers.cortex_m.target import InstructionSet

#: Above this many input channels, and up to a stride of 2, CMSIS-NN convolves a widened input instead.
_WIDENED_ABOVE = 16


def kernel_of(call: KernelCall, _: InstructionSet) -> str:
    """Which of its two ways `arm_transpose_conv_wrapper_s8` takes.

    Args:
        call: of the kernel.
        _: the choice is the same for both classes of processors.

    Returns:
        The name of its formula.
    """
    widened = call.c > _WIDENED_ABOVE and call.sh <= 2 and call.sw <= 2
    return "transpose_conv_widened" if widened else "transpose_conv"


def widened(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """The filter is reversed. Then `arm_convolve_s8` runs over the input with zeros between its values. Every column is
    cleared, then filled where there is a value.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    mve = instruction_set is InstructionSet.MVE
    depth, taps, pixels = call.taps * call.c, call.taps, call.pixels
    ph, pw = call.kh - 1 - call.ph, call.kw - 1 - call.pw
    rows = _positions(call.oh, call.kh, ph, call.h * call.sh, call.sh)
    columns = _positions(call.ow, call.kw, pw, call.w * call.sw, call.sw)
    copied = rows * columns
    parts: list[Counts] = [
        {"calls": 1, "pixels": pixels, "kernel_rows": pixels * call.kh, "rows_read": rows * call.ow},
        {"taps_read": rows * call.ow * call.kw, "reversed": call.o * taps},
        copies(pixels, depth, "memset", mve),
        copies(copied, call.c, "memcpy", mve),
        copies(call.o * taps, call.c, "memcpy", mve),
    ]
    if mve:
        parts.append(scaled(mve_product(4, call.o, depth), pixels // 4))
        parts.append(mve_product(pixels % 4, call.o, depth) if pixels % 4 else {})
    else:
        parts.append({"widen_4": pixels * (depth // 4), "widen_1": pixels * (depth % 4)})
        parts.append(dsp_pairs(pixels, call.o, depth))
    return scaled(total(parts), call.n)


def _positions(out: int, kernel: int, padding: int, size: int, upscale: int) -> int:
    """Pairs of output position and tap that read a value of the widened input."""
    places = (place - padding + tap for place in range(out) for tap in range(kernel))
    return sum(0 <= one < size and one % upscale == 0 for one in places)


def scattered(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_transpose_conv_s8`: every row of the input is added into a rolling buffer of rows of the output. It takes
    four values of a row at once, then single ones.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    mve = instruction_set is InstructionSet.MVE
    block = 16 if mve else 4
    by4, by1 = call.w // 4, call.w % 4
    depth, rest = (up(call.c, block), 0) if mve else (call.c // 4, call.c % 4)
    taps = sum(_rows_added(call)) * call.kw * call.o
    width = (call.w - 1) * call.sw + max(call.kw, call.sw)
    finished = call.pixels * (up(call.o, 4) if mve else call.o)
    resets = width * (max(call.kh, call.sh) + call.h * call.sh)
    per: Counts = {
        "calls": 1,
        "pixels": call.pixels,
        "finished": finished,
        "added4": taps * by4,
        "added4_depth": taps * by4 * depth,
        "added4_rest": taps * by4 * rest,
        "added1": taps * by1,
        "added1_depth": taps * by1 * depth,
        "added1_rest": taps * by1 * rest,
    }
    return scaled(total([per, copies(resets, 4 * call.o, "memcpy", mve)]), call.n)


def _rows_added(call: KernelCall) -> list[int]:
    """Per row of the input, the rows of the kernel whose result lands in the output."""
    above = (max(0, call.ph - row * call.sh) for row in range(call.h))
    below = (max(0, row * call.sh + call.kh - (call.ph + call.oh) - 1) for row in range(call.h))
    return [call.kh - one - other for one, other in zip(above, below, strict=True)]
