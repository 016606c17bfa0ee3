"""CMSIS-NN's transpose and padding, and ExecuTorch's upsampling."""

from __future__ import annotations

from math import prod

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, copies, row_copy, total, up
from workers.cortex_m.target import InstructionSet


def transpose(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_transpose_s8`: four nested loops over the axes of the input. Two axes, and with MVE the last two of four, go
    by columns instead. The compiler has a loop of its own for an innermost axis whose values stay side by side. It
    compiles the loops for three axes and for four apart.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    rank = len(call.dims)
    mve = instruction_set is InstructionSet.MVE
    if rank == 1:
        return {"memcpy.calls": 1, "memcpy.64": call.dims[0] / 64}
    # Two axes are the last two of four; three the last three.
    n, h, w, c = (1,) * (4 - rank) + call.dims
    by_columns = rank == 2 or (rank == 4 and mve and call.perm[:2] == (0, 1))
    if by_columns and mve:
        outer: Counts = {"columns_images": n, "columns_planes": n * h} if rank == 4 else {}
        return {f"columns_of_{rank}": 1, "columns": n * h * c, "columns_8": n * h * c * up(w, 8), **outer}
    if by_columns:
        return {"columns_of_2": 1, "columns_rows": w, "columns_values": w * c}
    rows = n * h * w
    outer = {"calls": 1, "planes": n * h, "images": n if rank == 4 else 0}
    behind = call.perm[call.perm.index(rank - 1) + 1 :]
    if prod(call.dims[axis] for axis in behind) > 1:
        loops = {**outer, "strided_rows": rows, "strided_values": rows * c}
    else:
        loops = {**outer, **{f"copied_{name}": rows * times for name, times in row_copy(c, mve).items()}}
    return {f"{name}_of_{rank}": times for name, times in loops.items()}


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
