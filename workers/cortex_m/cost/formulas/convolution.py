"""Convolutions: 1x1, rows of height 1 on MVE, and all others by copying windows into columns."""

from __future__ import annotations

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, copies, mve_product, places_at, scaled, total, up
from workers.cortex_m.cost.taps import taps_inside
from workers.cortex_m.target import InstructionSet


def kernel_of(call: KernelCall, instruction_set: InstructionSet) -> str:
    """Which kernel `arm_convolve_wrapper_s8` chooses for a convolution.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        The name of its formula.
    """
    whole = call.kh == call.kw == 1 and call.ph == call.pw == 0 and call.dh == call.dw == 1 and call.groups == 1
    if whole:
        return "conv1x1" if call.sh == call.sw == 1 else "conv1x1_strided"
    if call.groups > 1:
        return "conv2d_grouped"
    row = call.h == 1 and call.kh == 1 and call.dw == 1 and call.sw * call.c % 4 == 0
    return "conv1d_row" if row and instruction_set is InstructionSet.MVE and _wide_enough(call) else "conv2d"


def one_by_one(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_convolve_1x1_s8_fast`: one product over all pixels.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    product = mve_product if instruction_set is InstructionSet.MVE else _dsp_product
    return {"calls": 1, **product(call.n * call.oh * call.ow, call.o, call.c)}


def one_by_one_strided(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_convolve_1x1_s8`: a product per row of the output.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    product = mve_product if instruction_set is InstructionSet.MVE else _dsp_product
    return {"calls": 1, **scaled(product(call.ow, call.o, call.c), call.n * call.oh)}


def row(call: KernelCall, _: InstructionSet) -> Counts:
    """`arm_convolve_1_x_n_s8` with MVE.

    It has products on the left edge, the middle and the right edge, without copies in the middle.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    left, right = _edges(call)
    middle = max(call.ow - left - right, 0)
    parts = [mve_product(rows, call.o, call.depth) for rows in (left, middle, right)]
    edge: Counts = {"calls": 1, "edge_16": up(call.depth, 16) * 2 + up(call.pw * call.c, 16) * 2}
    return scaled(total([*parts, edge]), call.n)


def _edges(call: KernelCall) -> tuple[int, int]:
    """Pixels of the output whose windows read padding, on the left and on the right."""
    uneven = ((call.ow - 1) * call.sw + call.kw - call.w) % 2
    left = max(1, up(call.pw, call.sw)) if call.pw else 0
    right = max(1, up(call.pw + uneven, call.sw)) if call.pw + uneven else 0
    return left, right


def _wide_enough(call: KernelCall) -> bool:
    """Whether the row kernel computes a row: it leaves narrow rows to `arm_convolve_s8`, and refuses others."""
    padding = (call.ow - 1) * call.sw + call.kw - call.w
    return sum(_edges(call)) <= call.ow or 2 * call.pw + padding % 2 != padding


def columns(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_convolve_s8`: windows are copied into columns, four (MVE) or two (DSP) of which are multiplied at once.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    channels, outs = call.c // call.groups, call.o // call.groups
    inside = taps_inside(call)
    outside = call.pixels * call.taps - inside
    common: Counts = {
        "calls": 1,
        "pixels": call.pixels * call.groups,
        "kernel_rows": call.pixels * call.kh * call.groups,
        "output_rows": call.oh * call.groups,
        "groups": call.groups,
    }
    mve = instruction_set is InstructionSet.MVE
    places = places_at(channels)
    windows = [copies(inside, channels, "memcpy", mve, places), copies(outside, channels, "memset", mve, places)]
    if mve:
        # `arm_nn_mat_mult_nt_t_s8` is called for every four pixels.
        products = [scaled(mve_product(4, outs, call.depth), call.pixels // 4)]
        if call.pixels % 4:
            products.append(mve_product(call.pixels % 4, outs, call.depth))
    else:
        windows.append({"taps_inside": inside, "taps_outside": outside})
        windows.append({"widen_4": call.pixels * (call.depth // 4), "widen_1": call.pixels * (call.depth % 4)})
        products = [dsp_pairs(call.pixels, outs, call.depth)]
    return scaled(total([common, scaled(total([*windows, *products]), call.groups)]), call.n)


def portable(call: KernelCall, _: InstructionSet) -> Counts:
    """ExecuTorch's float convolution: seven nested loops, which skip taps beside the input.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    inside, outs = taps_inside(call) * call.n, call.o
    return {
        "calls": 1,
        "outputs": call.n * call.pixels * outs,
        "channels": call.n * call.pixels * outs * (call.c // call.groups),
        "taps": call.n * call.pixels * outs * call.depth,
        "products": inside * outs * (call.c // call.groups),
    }


def dsp_pairs(pixels: int, outs: int, depth: int) -> Counts:
    """`arm_nn_mat_mult_kernel_s8_s16`: two pixels by two outputs; then a pixel that is left over.

    Args:
        pixels: of the output.
        outs: output channels.
        depth: values that each product sums.

    Returns:
        Runs of each loop, by the loop's name.
    """
    pairs, rest = pixels // 2, pixels % 2
    k4, k1 = depth // 4, depth % 4
    return {
        "pairs.pairs": pairs,
        "pairs.pairs_outs2": pairs * (outs // 2),
        "pairs.pairs_outs2_k4": pairs * (outs // 2) * k4,
        "pairs.pairs_outs2_k1": pairs * (outs // 2) * k1,
        "pairs.pairs_out1": pairs * (outs % 2),
        "pairs.pairs_out1_k4": pairs * (outs % 2) * k4,
        "pairs.pairs_out1_k1": pairs * (outs % 2) * k1,
        "pairs.pixel1_outs": rest * outs,
        "pairs.pixel1_outs_k4": rest * outs * k4,
        "pairs.pixel1_outs_k1": rest * outs * k1,
    }


def _dsp_product(rows: int, outs: int, depth: int) -> Counts:
    """`arm_nn_mat_mult_nt_t_s8` with DSP takes two outputs by two rows, and 16, 4 and 1 values of the depth at once. An
    output that is left over follows, by single rows."""
    out2, out1, row2, row1 = outs // 2, outs % 2, rows // 2, rows % 2
    k16, k4, k1 = depth // 16, depth % 16 // 4, depth % 4
    return {
        "product.calls": 1,
        "product.outs2": out2,
        "product.outs2_k": out2 * depth,
        **_by_depth("product.outs2_rows2", out2 * row2, k16, k4, k1),
        **_by_depth("product.outs2_row1", out2 * row1, k16, k4, k1),
        "product.out1_rows": out1 * rows,
        "product.out1_rows_k": out1 * rows * depth,
    }


def _by_depth(name: str, times: int, k16: int, k4: int, k1: int) -> Counts:
    return {name: times, f"{name}_k16": times * k16, f"{name}_k4": times * k4, f"{name}_k1": times * k1}
