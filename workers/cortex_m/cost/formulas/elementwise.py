"""Kernels that work by element, and softmax."""

from __future__ import annotations

from collections.abc import Sequence

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, copies, places_at, row_copy, scaled, total, up
from workers.cortex_m.target import InstructionSet


def arithmetic(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_elementwise_add_s8`, `arm_elementwise_mul_s8`: blocks of four; with DSP then single values.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    if instruction_set is InstructionSet.MVE:
        return {"calls": 1, "by4": up(call.elements, 4)}
    return {"calls": 1, "by4": call.elements // 4, "by1": call.elements % 4}


def extremes(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """`arm_minimum_s8`, `arm_maximum_s8` of values of one shape: 16 at once with MVE, else single ones.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    if instruction_set is InstructionSet.MVE:
        return {"calls": 1, "by16": up(call.elements, 16)}
    return {"calls": 1, "by1": call.elements}


def copy(call: KernelCall, _: InstructionSet) -> Counts:
    """`memcpy` of newlib, also with MVE.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return copies(1, call.elements, "memcpy", mve=False)


def table(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """A look-up per value: 16 at once with MVE, then four at once, then single ones. The loops of MVE's remainder are
    prepared where they run.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    mve = instruction_set is InstructionSet.MVE
    by16, rest = divmod(call.elements, 16) if mve else (0, call.elements)
    remainder: Counts = {"any_by4": rest > 3, "any_by1": rest % 4 > 0} if mve else {}
    return {"calls": 1, "by16": by16, "by4": rest // 4, "by1": rest % 4, **remainder}


def looked_up(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """ExecuTorch's `quantized_activation`: the loops of `table`, each prepared where it runs.

    Args:
        call: of the operator.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    counts = table(call, instruction_set)
    return {**counts, **{f"any_{name}": counts[name] > 0 for name in ("by16", "by4")}}


def softmax(call: KernelCall, _: InstructionSet) -> Counts:
    """`arm_nn_softmax_common_s8` without MVE, which GCC 12.2 cannot compile.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"calls": 1, "rows": call.n, "values": call.n * call.c, "rest": call.n * (call.c % 16)}


def quantisation(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """ExecuTorch's loops between float and int8: 16 values at once with MVE, then single ones.

    Args:
        call: of the kernel.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    by16, rest = divmod(call.elements, 16) if instruction_set is InstructionSet.MVE else (0, call.elements)
    return {"calls": 1, "by16": by16, "by1": rest}


def per_value(call: KernelCall, _: InstructionSet) -> Counts:
    """Portable kernels: so many instructions per value of the result.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"calls": 1, "values": call.elements}


def selected(call: KernelCall, _: InstructionSet) -> Counts:
    """Portable `select_copy`: a `memcpy` per outer position. `n` outer positions of `dims` bytes. In the source, `w`
    bytes lie between them, and `pw` before the first. It looks at each axis when it checks its arguments.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    starts = [((call.pw + outer * call.w) % 4, outer * call.dims[0] % 4) for outer in range(min(call.n, 4))]
    return {"calls": 1, "axes": call.axes, "outer": call.n, **_moved(call.n, call.dims[0], starts)}


def power(call: KernelCall, _: InstructionSet) -> Counts:
    """The portable `pow` of floats, a call of `powf` per value, beside which nothing else counts.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"values": call.elements}


def chunks(call: KernelCall, _: InstructionSet) -> Counts:
    """Portable `cat`: a `memcpy` per part and outer position. `n` outer positions of parts of `dims` bytes. Each part's
    axes are checked.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    parts, whole = len(call.dims), sum(call.dims)
    moved, before = [], 0
    for size in call.dims:
        starts = [(outer * size % 4, (outer * whole + before) % 4) for outer in range(min(call.n, 4))]
        moved.append(_moved(call.n, size, starts))
        before += size
    checks: Counts = {"axes": call.axes, "parts": parts, "parts_axes": parts * call.axes}
    return total([{"calls": 1, **checks, "outer": call.n, "copies": call.n * parts}, *moved])


def sliced(call: KernelCall, _: InstructionSet) -> Counts:
    """Portable `slice_copy`: a `memcpy` per outer position; with a step, per outer position and place. `n` outer
    positions of `o` places of `dims` bytes, `sw` the step; without one `o` is 1. In the source, `w` bytes lie between
    outer positions, and `pw` before the first place. It looks at each axis when it checks its arguments.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    size = call.dims[0]
    starts = [
        ((call.pw + outer * call.w + place * call.sw * size) % 4, (outer * call.o + place) * size % 4)
        for outer in range(min(call.n, 4))
        for place in range(min(call.o, 4))
    ]
    moved = _moved(call.n * call.o, size, starts)
    if call.sw == 1:
        return {"calls": 1, "axes": call.axes, "rows": call.n, **moved}
    return {"calls": 1, "axes": call.axes, "outer": call.n, "places": call.n * call.o, **moved}


def indexed(call: KernelCall, _: InstructionSet) -> Counts:
    """Portable `index` by one tensor: every index is checked, then a `memcpy` per outer position and index. `n` outer
    positions, `o` indices, `dims` bytes behind each. It looks at each axis when it checks its arguments.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    moved = _moved(call.n * call.o, call.dims[0], places_at(call.dims[0]))
    return {"calls": 1, "axes": call.axes, "indices": call.o, "outer": call.n, "places": call.n * call.o, **moved}


def _moved(calls: int, size: int, places: Sequence[tuple[int, int]]) -> Counts:
    """Copies of so many bytes, which begin at `places`. They are an operator's own loop, so that nothing else that it
    does changes what `memcpy` costs."""
    moved = copies(calls, size, "memcpy", mve=False, places=places)
    return {"copied": moved["memcpy.executed"], "copied_blocks": moved["memcpy.blocks"]}


def split(call: KernelCall, instruction_set: InstructionSet) -> Counts:
    """Portable `split` of int8 values: a loop per part and outer position. `n` outer positions of parts of `dims`
    values. Each part's axes are compared with those of the whole.

    Args:
        call: of the operator.
        instruction_set: of the processor.

    Returns:
        Runs of each loop, by the loop's name.
    """
    mve = instruction_set is InstructionSet.MVE
    parts = len(call.dims)
    moved = (scaled(row_copy(size, mve), call.n) for size in call.dims)
    checks: Counts = {"calls": 1, "axes": call.axes, "parts": parts, "parts_axes": parts * call.axes}
    return total([checks, *moved])
