"""ExecuTorch's portable norms and softmax of floats."""

from __future__ import annotations

from math import prod

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, floats_by_four
from workers.cortex_m.target import InstructionSet


def layer_norm(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`native_layer_norm`: two sums over each row, then its values.

    There are `n` rows of `c` values. `operands` are the weights and the bias, as far as there are. With MVE it takes
    four values at once, if a row has more than four. It looks at each axis.

    Args:
        call: of the operator.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    given = len(call.operands)
    counts: Counts = {"calls": 1, f"calls_{given}": 1, "axes": call.axes, "rows": call.n}
    return counts | _by_rows(call.n, call.c, instruction_set, f"_{given}")


def batch_norm(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`_native_batch_norm_legit_no_training`: a square root and a division for each image and channel, then its values.

    There are `n` images of `c` channels of `w` values. It looks at each axis.

    Args:
        call: of the operator.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    channels = call.n * call.c
    counts: Counts = {"calls": 1, "axes": call.axes, "channels": channels}
    return counts | _by_rows(channels, call.w, instruction_set)


def batch_norm_statistics(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`_native_batch_norm_legit.no_stats`: mean and variance of each channel, then its values, as in `batch_norm`.

    Args:
        call: of the operator.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return batch_norm(call, instruction_set) | {"statistics": call.c}


def group_norm(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`native_group_norm`: two sums over each group, then its values in double precision, channel by channel.

    There are `n` images of `c` channels of `w` values, in `groups`. `operands` are the weights and the bias, as far as
    there are. Without them, the values of a group are one loop. It looks at each axis.

    Args:
        call: of the operator.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    groups, channels = call.n * call.groups, call.n * call.c
    sums = _by_rows(groups, call.c // max(call.groups, 1) * call.w, instruction_set, "_summed")
    counts: Counts = {"calls": 1, "axes": call.axes, "groups": groups, **sums}
    if not call.operands:
        return counts | {"plain_values": channels * call.w}
    weighed = {"groups": groups, "channels": channels} | _by_rows(channels, call.w, instruction_set)
    return counts | {f"weighed_{name}": times for name, times in weighed.items()}


def softmax(call: KernelCall, _: InstructionSet) -> Counts:
    """`_softmax` along the axis in `perm`: the largest value, the sum of exponentials, then the exponentials again.

    `_log_softmax` subtracts the logarithm of that sum. The largest value has the exponent zero, whose exponential takes
    less. An axis that is not the last one is strided.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    (axis,), values = call.perm, prod(call.dims)
    kind = "strided" if prod(call.dims[axis + 1 :]) > 1 else "rows"
    rows = values // max(call.dims[axis], 1)
    return {"calls": 1, "axes": len(call.dims), kind: rows, f"{kind}_others": values - rows}


def _by_rows(rows: int, size: int, instruction_set: InstructionSet, kind: str = "") -> Counts:
    counts = floats_by_four(rows, size, instruction_set)
    if not counts:
        return {f"values{kind}": rows * size}
    return {"vectors": rows, f"by4{kind}": counts["by4"], f"by1{kind}": counts["by1"], "any_by1": counts["any_by1"]}
