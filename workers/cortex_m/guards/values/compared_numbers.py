"""Comparisons of a quantised value with a number: they compare the integer that stands for the value.

ExecuTorch's lowering drops the dequantisation in front of an operator that its quantiser knows. That is right for
comparisons of two values of one scale. The number of `x > 0` or `x == 1.5` stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch.export import ExportedProgram

from workers.cortex_m.cost.view import args_of, operator_of
from workers.cortex_m.guards.verdict import Severity, Verdict

if TYPE_CHECKING:
    from torch.fx import Node

NAME = "compared-numbers"

_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """Verdicts on comparisons with a number that some value makes come out wrong.

    Args:
        program: a lowered program.

    Yields:
        A verdict for each.
    """
    for node in program.graph.nodes:
        if node.op != "call_function" or operator_of(node) not in _COMPARISONS or not _is_wrong(node):
            continue
        message = (
            f"{node.name}: the integers of a quantised value are compared with the number {args_of(node)[1]}; "
            "compare it with a tensor of its size"
        )
        yield Verdict(NAME, node.name, Severity.WRONG, message)


def _is_wrong(node: Node) -> bool:
    value, number = args_of(node)[:2]
    if isinstance(number, torch.fx.Node) or value.meta["val"].dtype not in (torch.int8, torch.int16):
        return False
    known = node.meta.get("input_qparams", {}).get(0)
    if known is None:
        return False  # integers of the model's own
    integers = torch.arange(known.qmin, known.qmax + 1)
    values = (integers - known.zp).float() * known.scale
    compare = getattr(torch, operator_of(node))
    return not torch.equal(compare(integers, number), compare(values, number))
