"""ExecuTorch's portable operators that compute by element, of one or several operands.

They go through the values of the result. For each they prepare the loop anew, since its build with assertions takes the
values one by one. They look at the shapes then, and where these differ, at the place in every operand.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts
from workers.cortex_m.target import InstructionSet


def of_operands(call: KernelCall, _: InstructionSet) -> Counts:
    """`add`, `sub`, `mul`, `div` and `where`: `operands` are broadcast to `dims`.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    values, out = prod(call.dims), call.dims
    # The kernel of `where` takes its condition last.
    operands = (*call.operands[1:], call.operands[0]) if call.kernel == "where_portable" else call.operands
    scanned, compared, alike = _looked_at(operands, out)
    kind = "same" if alike == len(call.operands) else "broadcast"
    counts: Counts = {
        f"{call.kernel}_{kind}_calls": 1,
        f"{call.kernel}_{kind}_{call.dtype}_values": values,
        f"{kind}_scanned": values * scanned,
        f"{kind}_compared": values * compared,
    }
    if kind == "broadcast":
        counts |= {
            "broadcast_alike": values * alike,
            "broadcast_out_axes": values * len(out),
            "broadcast_in_axes": values * sum(map(len, call.operands)),
        }
    return counts


def _looked_at(operands: Sequence[Sequence[int]], out: Sequence[int]) -> tuple[int, int, int]:
    """How shapes are compared with that of the result, without leading ones: up to the first operand that differs.

    Returns:
        Leading ones passed, sizes compared, and operands found alike.
    """
    wanted = _without_leading_ones(out)
    scanned = compared = alike = 0
    for shape in operands:
        own = _without_leading_ones(shape)
        scanned += len(shape) - len(own) + len(out) - len(wanted)
        if len(own) == len(wanted):
            equal = [one == other for one, other in zip(own, wanted, strict=True)]
            compared += equal.index(False) + 1 if False in equal else len(equal)
        if own != wanted:
            break
        alike += 1
    return scanned, compared, alike


def _without_leading_ones(shape: Sequence[int]) -> list[int]:
    ones = next((axis for axis, size in enumerate(shape) if size != 1), len(shape))
    return list(shape[ones:])


def of_a_number(call: KernelCall, _: InstructionSet) -> Counts:
    """Comparisons of values with a number, by the dtype of the values.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {f"{call.dtype}_calls": 1, f"{call.dtype}_values": call.elements}


def filled(call: KernelCall, _: InstructionSet) -> Counts:
    """`full_like`: by a `memset` of 16 bytes at once, or four floats at once, then smaller pieces. It looks at each
    axis.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    if call.dtype == "int8":
        by16, rest = divmod(call.elements, 16)
        loops = {"any_by16": by16 > 0, "by16": by16, "by4": rest // 4, "by1": rest % 4}
    else:
        by4, by1 = divmod(call.elements, 4)
        loops = {"any_by4": by4 > 0, "by4": by4, "any_by1": by1 > 0, "by1": by1}
    loops = {"calls": 1, "axes": call.axes, **loops}
    return {f"{call.dtype}_{loop}": times for loop, times in loops.items()}


def extreme_of_a_number(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`minimum` and `maximum` of values and one number: 16 at once with MVE, else single ones. The operator looks at
    each axis.

    Args:
        call: of the operator.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    mve = instruction_set is InstructionSet.MVE
    loops: Counts = {"by16": -(-call.elements // 16)} if mve else {"by1": call.elements}
    return {"calls": 1, "axes": call.axes, **loops}
