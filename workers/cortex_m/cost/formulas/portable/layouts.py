"""ExecuTorch's portable operators that move values: permutations, copies to another dim order and to another dtype.

The kernels `permute_copy_portable` and `clone_dim_order_portable` are the loops of two of them, compiled apart. They
take about half of an operator's instructions, and no program is priced by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from operator import mul

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts
from workers.cortex_m.target import InstructionSet


def permute_operator(call: KernelCall, _: InstructionSet) -> Counts:
    """`permute_copy`: a loop over the axes finds each value. Then a counter over the axes of the result advances, which
    may carry. All permutations take the same loops. Operands are checked axis by axis at first.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    out = [call.dims[axis] for axis in call.perm]
    return {
        "calls": 1,
        "axes": len(out),
        f"rank{len(out)}_values": call.elements,
        f"{call.dtype}_values": call.elements,
        "carries": _carries(out),
    }


def clone_operator(call: KernelCall, _: InstructionSet) -> Counts:
    """`_clone_dim_order` between two dim orders: a counter over the axes advances by each value, and may carry. Both
    offsets follow it by strides; the direction does not matter.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"calls": 1, f"{call.dtype}_values": call.elements, "carries": _carries(call.dims)}


def conversion_operator(call: KernelCall, _: InstructionSet) -> Counts:
    """`_to_dim_order_copy`: the loop of `_clone_dim_order`, whatever the dim orders are, and a conversion per value.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {
        "calls": 1,
        "axes": len(call.dims),
        f"{call.from_dtype}_to_{call.dtype}_values": call.elements,
        "carries": _carries(call.dims),
    }


def _carries(shape: Sequence[int]) -> int:
    """How often a counter over a shape wraps an axis while it runs through all values."""
    values = prod(shape)
    return sum(values // wrapped for wrapped in accumulate(reversed(shape), mul))


def permute_loop(call: KernelCall, _: InstructionSet) -> Counts:
    """The loop of `permute_copy`, compiled apart.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    out = [call.dims[axis] for axis in call.perm]
    values = call.elements
    carries = list(accumulate(reversed(out), mul))  # values per wrap of the last axis, of the last two, ...
    counts: Counts = {"calls": 1, f"rank{len(out)}_values": values}
    for place, size in enumerate(carries[:-1], start=1):
        counts[f"carry{place}"] = values / size
    return counts


def clone_loop(call: KernelCall, _: InstructionSet) -> Counts:
    """The loop of `_clone_dim_order` over images, compiled apart; the same in both directions.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    image = call.n * call.c
    return {"calls": 1, "values": call.elements, "carry1": image * call.h, "carry2": image}
