"""Carries out the instructions of a method of a `.pte`, as runtime/executor/method.cpp does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from workers.ethos_u.files.run_pte.kernels import kernel
from workers.ethos_u.files.run_pte.values import TensorValue, Values

#: Runs a delegate: its number among the method's, the values, and the numbers of its inputs and outputs.
DelegateCall = Callable[[int, Values, Sequence[int]], None]


def carry_out(plan: Any, values: Values, call_delegate: DelegateCall) -> None:
    """Run a method from its start to its end.

    Args:
        plan: an ExecutionPlan.
        values: of the plan, inputs in place.
        call_delegate: runs a delegate by its number.

    Raises:
        ModelError: an operator is not known. A damaged program raises anything.
    """
    for chain in plan.chains:
        position = 0
        while position < len(chain.instructions):
            instruction = chain.instructions[position].instr_args
            position += 1
            kind = type(instruction).__name__
            if kind == "KernelCall":
                named = plan.operators[instruction.op_index]
                name = f"{named.name}.{named.overload}" if named.overload else named.name
                kernel(name)(values, instruction.args)
            elif kind == "DelegateCall":
                call_delegate(instruction.delegate_index, values, instruction.args)
            elif kind == "MoveCall":
                values[instruction.move_to] = values[instruction.move_from]
            elif kind == "JumpFalseCall" and not _holds(values[instruction.cond_value_index]):
                position = instruction.destination_instruction
            # What is left is FreeCall, for tensors whose memory the runtime would allocate while it runs.


def _holds(condition: Any) -> bool:
    return bool(condition.tensor.all()) if isinstance(condition, TensorValue) else bool(condition)
