"""Products of matrices: fully connected layers and batch_matmul."""

from __future__ import annotations

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, floats_by_four, scaled, total, up
from workers.cortex_m.target import InstructionSet


def fully_connected(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_fully_connected_s8`: a product of vector and matrix per row of the input.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"calls": 1, **scaled(_vector(call.o, call.c, instruction_set), call.n)}


def portable_addmm(call: KernelCall, _: InstructionSet) -> Counts:
    """ExecuTorch's float `addmm`: a loop over the depth for each value of the result. Then the bias is added, which is
    broadcast where there are several rows.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    outs = call.n * call.o
    return {"calls": 1, "outs": outs, "broadcast": outs * (call.n > 1), "products": outs * call.c}


def batch_matmul(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_batch_matmul_s8`: with MVE the rows of the right side are summed first, five at once. This is left out if
    the left side's offset is zero. Where the right side's offset is zero, the loops of a fully connected layer run,
    else others.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    vectors = scaled(_vector(call.o, call.c, instruction_set), call.n * call.h)
    if not call.no_right_offset:
        vectors = {name.replace("vector.", "vector_"): times for name, times in vectors.items()}
    sums: Counts = {}
    if instruction_set is InstructionSet.MVE:
        sums = {"cleared4": call.o // 4, "cleared1": call.o % 4}
        if not call.no_left_offset:
            r5, r1, k16 = call.o // 5, call.o % 5, up(call.c, 16)
            sums |= {"sums": 1, "sum5": r5, "sum5_k16": r5 * k16, "sum1": r1, "sum1_k16": r1 * k16}
            sums |= {"has_sum5": r5 > 0, "has_sum1": r1 > 0}
    return total([{"calls": 1, "products": call.n}, scaled(sums, call.n), vectors])


def portable_bmm(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """Portable `bmm` of floats: `n` products of `h` rows of `c` values by `o` columns.

    With MVE, a sum of more than four products takes four of them at once.

    Args:
        call: of the operator.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    rows, sums = call.n * call.h, call.n * call.h * call.o
    counts: Counts = {"calls": 1, "matrices": call.n, "rows": rows}
    by_four = floats_by_four(sums, call.c, instruction_set)
    return counts | ({"vector_sums": sums, **by_four} if by_four else {"sums": sums, "products": sums * call.c})


def _vector(outs: int, depth: int, instruction_set: InstructionSet) -> Counts:
    """`arm_nn_vec_mat_mult_t_s8`: four outputs (MVE) or two (DSP) at once, then single ones. With DSP, GCC unrolls the
    loop over four values of the depth eightfold, as a pragma asks; those left over take longer. The names are those
    of a routine that kernels share."""
    if instruction_set is InstructionSet.MVE:
        o4, o1, k16 = outs // 4, outs % 4, up(depth, 16)
        both = {"has_outs4": o4 > 0, "has_both": o4 > 0 and o1 > 0}
        loops: Counts = {"outs4": o4, "outs4_k16": o4 * k16, "outs1": o1, "outs1_k16": o1 * k16}
        return {f"vector.{name}": times for name, times in {"calls": 1, **both, **loops}.items()}
    counts: Counts = {"calls": 1, "has_both": outs > 1 and outs % 2}
    for name, times in (("outs2", outs // 2), ("out1", outs % 2)):
        blocks, fours, ones = depth // 32, depth % 32 // 4, depth % 4
        counts |= {name: times, f"{name}_k32": times * blocks, f"{name}_k4": times * fours, f"{name}_k1": times * ones}
        counts[f"{name}_tail"] = times * (ones > 0)
    return {f"vector.{name}": times for name, times in counts.items()}
