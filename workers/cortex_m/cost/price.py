"""Estimated executed instructions of a lowered program: of every operator, and of the runtime between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.fitted import Fitted, fitted
from workers.cortex_m.cost.kernels import WHOLE_OPERATORS, counts_of, formula_of
from workers.cortex_m.cost.operator import OperatorCall
from workers.cortex_m.target import COUNTED_WITH, InstructionSet, Target

#: The error of what no family's error is known for, in per cent: operators are then distinguished by large gaps alone.
UNKNOWN_ERROR = 10.0

#: In a table of operators, in place of the formula of one whose instructions are not known.
UNCOSTED = "uncosted"


@dataclass(frozen=True)
class OperatorCost:
    """Of one operator.

    Attributes:
        node, operator, call, arguments: as in `OperatorCall`.
        formula: by which it was priced; None where no kernel of it was counted.
        instructions: executed by the operator; None where they are not known, which is not nothing.
        error: 95 % of predictions of this formula are off by at most so many per cent.
    """

    node: str
    operator: str
    call: KernelCall | None
    arguments: tuple[str, ...]
    formula: str | None
    instructions: float | None
    error: float


@dataclass(frozen=True)
class ProgramCost:
    """Of a lowered program.

    Attributes:
        operators: in the order of the file.
        runtime: instructions of ExecuTorch's runtime between operators.
        label: what the numbers are instructions of.
    """

    operators: tuple[OperatorCost, ...]
    runtime: int
    label: str

    @cached_property
    def instructions(self) -> int:
        """Executed by one inference, without the operators in `uncosted`."""
        return round(self.runtime + sum(one.instructions or 0.0 for one in self.operators))

    @cached_property
    def uncosted(self) -> tuple[OperatorCost, ...]:
        """Operators whose instructions are not known. The whole program takes more than `instructions` by them."""
        return tuple(one for one in self.operators if one.instructions is None)


def kernel_instructions(call: KernelCall, instruction_set: InstructionSet, facts: Fitted | None = None) -> float | None:
    """Estimated executed instructions of a kernel; None where no such kernel was counted.

    Args:
        call: of the kernel.
        instruction_set: of the processor.
        facts: coefficients; None: those that ship.

    Returns:
        Instructions, without those of ExecuTorch's operator around it; None where no such kernel was counted.
    """
    counts = counts_of(call, instruction_set)
    known = (facts or fitted(instruction_set)).coefficients
    if not counts or not counts.keys() <= known.keys():
        return None
    return sum(known[loop] * times for loop, times in counts.items())


def price(operators: Iterable[OperatorCall], target: Target, facts: Fitted | None = None) -> ProgramCost:
    """Estimated executed instructions of a program's operators on a target.

    Args:
        operators: of a lowered program, in its order.
        target: that runs it.
        facts: coefficients; None: those that ship.

    Returns:
        Instructions of each operator and of the runtime.
    """
    facts = facts or fitted(target.instruction_set)
    priced = tuple(_priced(one, target.instruction_set, facts) for one in operators)
    runtime = facts.per_inference + facts.per_instruction * len(priced)
    return ProgramCost(priced, runtime, f"estimated executed instructions of {COUNTED_WITH}, {target.counted_on}")


def _priced(operator: OperatorCall, instruction_set: InstructionSet, facts: Fitted) -> OperatorCost:
    if operator.call is None:
        return OperatorCost(**vars(operator), formula=None, instructions=None, error=UNKNOWN_ERROR)
    formula = formula_of(operator.call, instruction_set)
    kernel = kernel_instructions(operator.call, instruction_set, facts)
    own = 0.0 if formula in WHOLE_OPERATORS else facts.operators.get(operator.operator, facts.other_operators)
    instructions = None if kernel is None else kernel + own
    known = facts.errors.get(formula or "")
    error = known.p95 if known is not None else UNKNOWN_ERROR
    return OperatorCost(**vars(operator), formula=formula, instructions=instructions, error=error)
