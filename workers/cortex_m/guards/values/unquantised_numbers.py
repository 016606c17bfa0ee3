"""Comparisons with a number, and fills, that lowering makes operators of integers without quantising the number.

ExecuTorch's lowering drops quantisation and dequantisation around an operator that its quantiser knows. That is right
for comparisons of two values of one scale. The number of `x > 0` stays what it was, as does that of `zeros_like`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import args_of, operator_of
from workers.cortex_m.guards.verdict import Severity, Verdict

if TYPE_CHECKING:
    from torch.fx import Node

NAME = "unquantised-numbers"

_EQUALITIES = frozenset({"eq", "ne"})
#: They hold for values up to some value.
_FIRST_ONES = frozenset({"lt", "le"})
_COMPARISONS = _EQUALITIES | _FIRST_ONES | {"gt", "ge"}
_FILLS = frozenset({"full", "full_like"})


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """Verdicts on comparisons and fills whose number makes them come out wrong.

    Args:
        program: a lowered program.

    Yields:
        A verdict for each.
    """
    for node in program.graph.nodes:
        if node.op == "call_function" and is_wrong(node):
            message = (
                f"{node.name}: the number {args_of(node)[1]} is taken for the integer that stands for a quantised "
                "value; lower by quantise-numbers, or write it without the number, as by relu or clamp"
            )
            yield Verdict(NAME, node.name, Severity.WRONG, message)


def is_wrong(node: Node) -> bool:
    """Whether a node compares quantised values with a number, or fills, and comes out wrong.

    Args:
        node: a call of any operator, after all of ExecuTorch's passes.

    Returns:
        False for other operators, and where the number gives what it should.
    """
    known = _quantisation(node)
    if known is None:
        return False
    kind, number = operator_of(node), args_of(node)[1]
    if kind in _FILLS:
        return bool(right_number(node) != number)
    integers = torch.arange(known.qmin, known.qmax + 1)
    return not torch.equal(getattr(torch, kind)(integers, number), _expected(kind, integers, known, number))


def right_number(node: Node) -> float:
    """The number that gives among the integers what an operator's own number gives among the values.

    Args:
        node: a comparison or fill of quantised values.

    Returns:
        For fills the integer that stands for the number. For comparisons an integer, or a number halfway between two.
        It may lie half a step outside the range of the integers, so it is a float.
    """
    known, kind, number = _quantisation(node), operator_of(node), args_of(node)[1]
    if kind in _FILLS:
        return int(min(max(round(number / known.scale) + known.zp, known.qmin), known.qmax))
    integers = torch.arange(known.qmin, known.qmax + 1)
    expected = _expected(kind, integers, known, number)
    if kind in _EQUALITIES:
        (equal,) = torch.nonzero(expected == (kind == "eq"), as_tuple=True)
        return float(integers[equal[0]]) if len(equal) else known.qmin - 0.5
    # The values for which it holds are the first ones of the range, or the last ones.
    holding = int(expected.sum())
    first_of_last = holding if kind in _FIRST_ONES else len(integers) - holding
    return float(known.qmin + first_of_last - 0.5)


def _expected(kind: str, integers: torch.Tensor, known: Any, number: float) -> torch.Tensor:
    """What the quantised model computes of the values that integers stand for."""
    compared: torch.Tensor = getattr(torch, kind)((integers - known.zp).float() * known.scale, number)
    return compared


def _quantisation(node: Node) -> Any:
    """Of the values that a comparison with a number, or a fill, works on; None for other operators, and for integers
    of the model's own."""
    kind = operator_of(node)
    if kind not in _COMPARISONS | _FILLS or isinstance(args_of(node)[1], torch.fx.Node):
        return None
    return node.meta.get("input_qparams" if kind in _COMPARISONS else "output_qparams", {}).get(0)
