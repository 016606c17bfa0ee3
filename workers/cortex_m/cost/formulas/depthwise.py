"""Depthwise convolutions: one or several outputs per input channel."""

from __future__ import annotations

from dataclasses import replace

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas import convolution
from workers.cortex_m.cost.formulas.blocks import Counts, copies, places_at, scaled, total, up
from workers.cortex_m.cost.taps import taps_inside, valid_columns, valid_rows
from workers.cortex_m.target import InstructionSet

#: Channels that `arm_depthwise_conv_s8_opt` processes at once with MVE.
_CHANNELS = 124


def kernel_of(call: KernelCall, instruction_set: InstructionSet) -> str:
    """Which kernel `arm_depthwise_conv_wrapper_s8` chooses.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        The name of its formula.
    """
    mve = instruction_set is InstructionSet.MVE
    if mve and call.c == 1 and call.o > 1:
        return "depthwise_as_convolution"
    if call.c != call.o or call.n != 1 or call.dh != 1 or call.dw != 1:
        plain = call.n == 1 and call.dh == call.dw == 1
        return "depthwise_by_four" if call.o // call.c % 4 == 0 and plain else "depthwise_generic"
    if not mve and call.kh == call.kw == 3 and call.ph <= 1 and call.pw <= 1:
        return "depthwise_3x3"
    return "depthwise"


def as_convolution(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_depthwise_conv_to_conv_s8`: weights are transposed at run time, then a convolution of one input channel.
    The counts are those of the weights alone; the convolution is a call of its own, see `inner_convolution`.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"calls": 1, "weight_rows": call.taps, "weights": call.taps * call.o}


def inner_convolution(call: KernelCall, instruction_set: InstructionSet) -> KernelCall:
    """The convolution that `arm_depthwise_conv_to_conv_s8` ends in.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Its sizes.
    """
    plain = replace(call, groups=1)
    return replace(plain, kernel=convolution.kernel_of(plain, instruction_set))


def columns(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_depthwise_conv_s8_opt`.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return _mve_columns(call) if instruction_set is InstructionSet.MVE else _dsp_columns(call)


def _mve_columns(call: KernelCall) -> Counts:
    """Windows of up to 124 channels are copied; four pixels by four channels at once, then single pixels."""
    inside = taps_inside(call)
    outside = call.pixels * call.taps - inside
    parts: list[Counts] = [{"calls": 1}]
    for first in range(0, call.c, _CHANNELS):
        channels = min(_CHANNELS, call.c - first)
        c4, blocks, rest = up(channels, 4), call.pixels // 4, call.pixels % 4
        parts += [
            copies(inside, channels, "memcpy", mve=True),
            copies(outside, channels, "memset", mve=True),
            {
                "slices": 1,
                "output_rows": call.oh,
                "pixels": call.pixels,
                "kernel_rows": call.pixels * call.kh,
                "blocks": blocks,
                "blocks_c4": blocks * c4,
                "blocks_c4_taps": blocks * c4 * call.taps,
                "rest": rest,
                "rest_c4": rest * c4,
                "rest_c4_taps": rest * c4 * call.taps,
            },
        ]
    return total(parts)


def _dsp_columns(call: KernelCall) -> Counts:
    """Windows are copied and widened; rows of padding above and below are one `memset` each."""
    inside = taps_inside(call)
    rows = valid_rows(call)
    padded = sum(rows) * call.ow * call.kw - inside  # taps beside the input in rows that read it
    c4, c1 = call.c // 4, call.c % 4
    taps2, taps1 = call.taps // 2, call.taps % 2
    return total(
        [
            {"calls": 1, "pixels": call.pixels, "kernel_rows": sum(rows) * call.ow, "output_rows": call.oh},
            {"widen": inside, "widen_4": inside * c4, "widen_1": inside * c1},
            copies(padded, 2 * call.c, "memset", mve=False, places=places_at(2 * call.c)),
            _cleared(call, rows),
            {"c4": call.pixels * c4, "c4_taps2": call.pixels * c4 * taps2, "c4_tap1": call.pixels * c4 * taps1},
            {"c1": call.pixels * c1, "c1_taps": call.pixels * c1 * call.taps},
        ]
    )


def _cleared(call: KernelCall, rows: list[int]) -> Counts:
    """The rows of a window above the input, and those below it, are one `memset` each."""
    above = [max(0, call.ph - place * call.sh) for place in range(call.oh)]
    below = [call.kh - one - other for one, other in zip(rows, above, strict=True)]
    row = 2 * call.kw * call.c
    return total(copies(call.ow, one * row, "memset", mve=False) for one in (*above, *below) if one > 0)


def three_by_three(call: KernelCall, _: InstructionSet) -> Counts:
    """`arm_depthwise_conv_3x3_s8` with DSP: four channels at once, then single ones; it skips taps beside the input.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    rows, columns_ = valid_rows(call), valid_columns(call)
    c4, c1 = call.c // 4, call.c % 4
    visited, taps = sum(rows) * call.ow, sum(rows) * sum(columns_)
    return {
        "calls": 1,
        "output_rows": call.oh,
        "pixels": call.pixels,
        **_by_channels("c4", c4, call.pixels, visited, taps),
        **_by_channels("c1", c1, call.pixels, visited, taps),
    }


def _by_channels(name: str, channels: int, pixels: int, rows: int, taps: int) -> Counts:
    return {name: channels * pixels, f"{name}_rows": channels * rows, f"{name}_taps": channels * taps}


def by_four(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`depthwise_conv_s8_mult_4`: four outputs of one input channel at once.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    tiles = call.c * (call.o // call.c // 4)
    rows, inside = sum(valid_rows(call)) * call.ow, taps_inside(call)
    return {
        "calls": 1,
        "output_rows": call.oh,
        "pixels": call.pixels,
        "channels": call.pixels * call.c,
        "tiles": call.pixels * tiles,
        "tiles_rows": tiles * rows,
        "tiles_taps": tiles * inside,
    }


def generic(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`depthwise_conv_s8_generic`: one output at a time. A dilation costs two divisions per axis and output.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    rows, inside = sum(valid_rows(call)) * call.ow, taps_inside(call)
    outs = call.pixels * call.o
    counts: Counts = {
        "calls": 1,
        "pixels": call.pixels,
        "channels": call.pixels * call.c,
        "outs": outs,
        "outs_rows": call.o * rows,
        "outs_taps": call.o * inside,
        "divisions": outs * ((call.dh > 1) + (call.dw > 1)),
    }
    return scaled(counts, call.n)
