"""ExecuTorch's portable operators that copy pieces of values, most of them by `memcpy`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, copies, places_at, row_copy, scaled, total
from workers.cortex_m.target import InstructionSet

#: Of a value, where `expand_copy` was counted.
EXPANDED_BYTES = {"float32": 4, "int32": 4, "int8": 1}


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


def expanded(call: KernelCall, _: InstructionSet) -> Counts:
    """Portable `expand_copy` of `dims`, whose result has the one shape in `operands`.

    Each row of the last axis is copied by `memcpy`, once for each place in the last axes. The whole is copied
    for leading axes.

    Args:
        call: of the operator; its dtype is one of `EXPANDED_BYTES`.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    own, out = call.dims or (1,), call.operands[0]
    rows, leading = prod(own[:-1]), prod(out[: len(out) - len(own)])
    width = EXPANDED_BYTES[call.dtype]
    size = own[-1] * width
    written = prod(out) // max(leading, 1)
    places = written // max(own[-1], 1)
    return total(
        [
            {"calls": 1, "axes": len(own), "out_axes": len(out), "rows": rows, "rows_axes": rows * len(own)},
            {"places": places, "places_axes": places * len(own), "leading": leading - 1},
            _moved(places, size, places_at(size)),
            _moved(leading - 1, written * width, places_at(0)),
        ]
    )


def _moved(calls: int, size: int, places: Sequence[tuple[int, int]]) -> Counts:
    """Copies of so many bytes, which begin at `places`. They are an operator's own loop, so that nothing else that it
    does changes what `memcpy` costs."""
    moved = copies(calls, size, "memcpy", mve=False, places=places)
    return {"copied": moved["memcpy.executed"], "copied_blocks": moved["memcpy.blocks"]}
