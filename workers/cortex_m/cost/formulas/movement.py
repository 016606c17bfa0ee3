"""CMSIS-NN's padding, and ExecuTorch's upsampling."""

from __future__ import annotations

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, copies, total, up
from workers.cortex_m.target import InstructionSet


def upsample(call: KernelCall, _: InstructionSet) -> Counts:
    """ExecuTorch's `upsample_nearest2d` of contiguous floats. Every value of the result computes anew which row and
    column it comes from. Each takes a product in float and a conversion to 64 bits.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    rows = call.n * call.c * call.oh
    return {"calls": 1, "channels": call.n * call.c, "rows": rows, "values": rows * call.ow}


def pad(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_pad_s8`: the padding around each row is set, the row itself copied; by pixel where channels are padded.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    mve = instruction_set is InstructionSet.MVE
    n, h, w, c = (1,) * (4 - len(call.dims)) + call.dims
    lead = (0,) * (4 - len(call.before))
    before, after = lead + call.before, lead + call.after
    width, channels = before[2] + w + after[2], before[3] + c + after[3]
    row, first = width * channels, before[1] * width * channels
    # Offsets of four rows in a row; those of more rows repeat.
    begins = [(place * w * c % 4, (first + place * row) % 4) for place in range(min(h, 4))]
    left, right = before[2] * channels, after[2] * channels
    inner = [(source, (to + left) % 4) for source, to in begins]
    fills = [(n, first, [(0, 0)]), (n, after[1] * row, [(0, (first + h * row) % 4)])]
    fills += [(n * h, left, begins), (n * h, right, [(0, (to + left + w * channels) % 4) for _, to in begins])]
    parts: list[Counts] = [{"calls": 1, "images": n, "rows": n * h}]
    if channels == c:
        parts.append(copies(n * h, w * c, "memcpy", mve, inner))
    else:
        parts.append(_padded_pixels(n * h * w, c, before[3], after[3], mve))
    return total([*parts, *(copies(times, size, "memset", mve, places) for times, size, places in fills)])


def _padded_pixels(pixels: int, channels: int, before: int, after: int, mve: bool) -> Counts:
    """A fill, a copy and a fill for each pixel."""
    if mve:  # all three are loops over 16 bytes within one loop
        blocks = {"pixel_copies_16": up(channels, 16), "pixel_fills_16": up(before, 16) + up(after, 16)}
        return {"pixels": pixels, **{name: pixels * times for name, times in blocks.items()}}
    width = before + channels + after
    starts = [(place * channels % 4, (place * width + before) % 4) for place in range(4)]
    return total(
        [
            {"pixels": pixels},
            copies(pixels, before, "memset", mve, [(0, place * width % 4) for place in range(4)]),
            copies(pixels, channels, "memcpy", mve, starts),
            copies(pixels, after, "memset", mve, [(0, (to + channels) % 4) for _, to in starts]),
        ]
    )
