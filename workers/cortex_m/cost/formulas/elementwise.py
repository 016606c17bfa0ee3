"""Kernels that work by element, and softmax."""

from __future__ import annotations

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.blocks import Counts, copies, up
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
    """Portable kernels: so many instructions per value of the result. They look at each axis when they check arguments.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"calls": 1, "axes": call.axes, "values": call.elements}


def clamped(call: KernelCall, _: InstructionSet) -> Counts:
    """Portable `clamp`, by the dtype of the values. It looks at each axis when it checks its arguments.

    Args:
        call: of the operator.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"calls": 1, "axes": call.axes, f"{call.dtype}_values": call.elements}


def power(call: KernelCall, _: InstructionSet) -> Counts:
    """The portable `pow` of floats, a call of `powf` per value, beside which nothing else counts.

    Args:
        call: of the kernel.
        _: the formula is the same for both classes of processors.

    Returns:
        Runs of each loop, by the loop's name.
    """
    return {"values": call.elements}
