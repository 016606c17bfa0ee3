"""Whether the cost of two programs tells them apart.

Otherwise the difference lies within the error of the formulas.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from workers.cortex_m.cost.price import OperatorCost, ProgramCost
from workers.cortex_m.target import InstructionSet

#: Instructions by another compiler, by those of GCC 12.2: medians of `evidence/data/alternatives_clang19_gcc13.csv` by
#: `alternatives.csv` (clang 19 for MVE, GCC 13.2 for DSP). What is not listed changes by less than 3 %.
_OTHER_COMPILER = {
    InstructionSet.MVE: {
        "fully_connected": 0.44,
        "batch_matmul": 0.64,
        "add": 0.60,
        "mul": 0.60,
        "maxpool": 0.59,
        "avgpool": 0.93,
        "softmax": 0.20,
        "transpose": 5.7,
        "depthwise_as_convolution": 1.17,
    },
    InstructionSet.DSP: {"depthwise_3x3": 0.89, "depthwise": 0.91},
}


@dataclass(frozen=True)
class Comparison:
    """Of two programs of one model.

    Attributes:
        difference: known instructions of the second less those of the first; negative if the second takes fewer.
        error: of the difference, in instructions. It is the errors of operators that only one of them has.
        distinguishable: whether the order of the two is known.
        reason: why it is not; empty if it is.
    """

    difference: float
    error: float
    distinguishable: bool
    reason: str


def compare(first: ProgramCost, second: ProgramCost, instruction_set: InstructionSet) -> Comparison:
    """Which of two programs takes fewer instructions, as far as that can be known.

    Operators that both have at the same cost cancel, with their errors. Operators without a known cost cancel if their
    arguments are the same. The others may take any number of instructions, so a program is not cheaper by them.

    Args:
        first, second: costs of two programs of one model on one target.
        instruction_set: of the target.

    Returns:
        The difference, and whether its sign is known.
    """
    only_first, only_second = _own(first.operators, second.operators), _own(second.operators, first.operators)
    difference = float(second.instructions - first.instructions)
    error = sum((one.instructions or 0.0) * one.error / 100 for one in (*only_first, *only_second))
    # Those of the dearer program only add to the difference.
    if any(one.instructions is None for one in (only_second if difference < 0 else only_first)):
        return Comparison(difference, error, False, "the cheaper one has operators whose instructions are not known")
    if abs(difference) <= error:
        return Comparison(difference, error, False, "the difference is below the error of the formulas")
    other = difference + _change(only_second, instruction_set) - _change(only_first, instruction_set)
    if (other < 0) != (difference < 0):
        return Comparison(difference, error, False, "another compiler turns the order round")
    return Comparison(difference, error, True, "")


def _own(operators: tuple[OperatorCost, ...], others: tuple[OperatorCost, ...]) -> list[OperatorCost]:
    """Operators without equals among the others."""
    left = Counter(map(_key, others))
    own = []
    for one in operators:
        if left[_key(one)]:
            left[_key(one)] -= 1
        else:
            own.append(one)
    return own


def _key(one: OperatorCost) -> tuple[object, ...]:
    """Equal for operators that call one kernel with equal sizes, as far as the cost depends on them."""
    if one.call is None or one.instructions is None:
        return one.operator, one.call, one.arguments
    return one.call.kernel, one.formula, one.instructions


def _change(operators: list[OperatorCost], instruction_set: InstructionSet) -> float:
    """Instructions that the other compiler adds."""
    ratios = _OTHER_COMPILER[instruction_set]
    return sum((one.instructions or 0.0) * (ratios.get(one.formula or "", 1.0) - 1) for one in operators)
