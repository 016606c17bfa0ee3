"""ExecuTorch's portable reductions: means, sums, variances and maxima of floats, and `any`."""

from __future__ import annotations

from math import prod

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts
from workers.cortex_m.target import InstructionSet


def reduced(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`mean`, `sum` and `amax`: one of three loops, over rows, over strides or over a counter.

    The kernel loops over rows if only the last axis is reduced. It loops over strides for any other single
    axis, and over a counter for several axes.

    Args:
        call: of the operator; `perm` are the reduced axes.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    last = len(call.dims) - 1
    if call.perm == (last,):
        size = call.dims[last]
        outputs = prod(call.dims) // max(size, 1)
        first = int(call.kernel == "amax_portable")  # which it begins with
        return {
            "rows_calls": 1,
            "rows_axes": last + 1,
            "rows": outputs,
            **_summed(size - first, outputs, instruction_set),
        }
    return _one_by_one(call, "strided" if len(call.perm) == 1 else "counted")


def variance(call: KernelCall, _: InstructionSet) -> Counts:
    """`var` along the axes in `perm`: the mean of each result's values, then their squares. See `reduced`.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    is_last = call.perm == (len(call.dims) - 1,)
    return _one_by_one(call, "rows" if is_last else "strided" if len(call.perm) == 1 else "counted")


def of_an_axis(call: KernelCall, _: InstructionSet) -> Counts:
    """`any` and `argmax` along the axis in `perm`: a loop for each value of the result. It looks at each axis.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    (axis,), values, axes = call.perm, prod(call.dims), len(call.dims)
    kind = "last" if axis == axes - 1 else "strided"
    outputs = values // max(call.dims[axis], 1)
    counts: Counts = {f"{kind}_outputs": outputs, f"{kind}_outputs_axes": outputs * axes, f"{kind}_values": values}
    return {"calls": 1, "axes": axes, **counts}


def _one_by_one(call: KernelCall, kind: str) -> Counts:
    """A reduction by a loop that takes single values, and finds the first one of each output by all axes."""
    axes, values = len(call.dims), prod(call.dims)
    outputs = values // max(prod(call.dims[axis] for axis in call.perm), 1)
    counts: Counts = {
        f"{kind}_calls": 1,
        f"{kind}_axes": axes,
        f"{kind}_outputs": outputs,
        f"{kind}_outputs_axes": outputs * axes,
        f"{kind}_values": values,
    }
    if kind == "counted":
        counts["carries"] = values // max(call.dims[max(call.perm)], 1)
    return counts


def _summed(size: int, rows: int, instruction_set: InstructionSet) -> Counts:
    """The sums of rows of so many values: four at once with MVE, if there are as many, else single ones."""
    if instruction_set is not InstructionSet.MVE:
        return {"row_values": rows * size}
    by4, by1 = divmod(size, 4)
    return {
        "row_by4": rows * by4,
        "row_by1": rows * by1,
        "row_any_by4": rows * (by4 > 0),
        "row_any_by1": rows * (by1 > 0),
    }
