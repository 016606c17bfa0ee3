"""Minimum and maximum of int8 values whose operands differ in shape: CMSIS-NN computes some of them wrongly.

Where an operand has one value for each row, `arm_minimum_s8` and `arm_maximum_s8` step over it twice. So every second
row is compared with the next row's value. They look at the last four axes alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import operator_of, shape_of
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "broadcast-rows"

_AXES = 4


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """Verdicts on minima and maxima of int8 values that come out wrong.

    Args:
        program: a lowered program.

    Yields:
        A verdict for each.
    """
    for node in program.graph.nodes:
        if node.op != "call_function" or operator_of(node) not in ("minimum", "maximum"):
            continue
        if not str(getattr(node.target, "_schema", "")).startswith("cortex_m::"):
            continue
        one, other = (shape_of(operand) for operand in node.args[:2])
        if prod(shape_of(node)[:-_AXES]) > 1:
            message = f"{node.name}: the kernel computes the last four axes of {shape_of(node)} alone"
            yield Verdict(NAME, node.name, Severity.WRONG, message)
        elif steps_twice(one, other) or steps_twice(other, one):
            message = f"{node.name}: operands {one} and {other} have one value a row and several; rows are mixed up"
            yield Verdict(NAME, node.name, Severity.WRONG, message)


def steps_twice(narrow: tuple[int, ...], wide: tuple[int, ...]) -> bool:
    """Whether the kernel steps over the values of an operand twice.

    Args:
        narrow: shape of the operand.
        wide: shape of the other one.

    Returns:
        True where the operand has several rows of one value, and rows of the other are wider.
    """
    (_, rows, width, last), (_, _, wider, _) = _four(narrow), _four(wide)
    return rows > 1 and width == last == 1 and wider > 1


def _four(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*(1 for _ in range(_AXES - len(shape))), *shape[-_AXES:])
