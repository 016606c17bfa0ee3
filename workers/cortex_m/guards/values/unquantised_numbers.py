"""Comparisons with a number, and fills, that lowering makes operators of integers without quantising the number.

ExecuTorch's lowering drops quantisation and dequantisation around an operator that its quantiser knows. That is right
for comparisons of two values of one scale. The number of `x > 0` stays what it was, as does that of `zeros_like`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.export import ExportedProgram

from workers.cortex_m.cost.view import args_of, operator_of
from workers.cortex_m.guards.verdict import Severity, Verdict

if TYPE_CHECKING:
    from torch.fx import Node

NAME = "unquantised-numbers"

_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_FILLS = frozenset({"full", "full_like"})


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """Verdicts on comparisons and fills whose number makes them come out wrong.

    Args:
        program: a lowered program.

    Yields:
        A verdict for each.
    """
    for node in program.graph.nodes:
        if node.op == "call_function" and _is_wrong(node):
            message = (
                f"{node.name}: the number {args_of(node)[1]} is taken for the integer that stands for a quantised "
                "value; write it without the number, as by relu or clamp"
            )
            yield Verdict(NAME, node.name, Severity.WRONG, message)


def _is_wrong(node: Node) -> bool:
    kind = operator_of(node)
    if kind not in _COMPARISONS | _FILLS or isinstance(args_of(node)[1], torch.fx.Node):
        return False
    known: Any = node.meta.get("input_qparams" if kind in _COMPARISONS else "output_qparams", {}).get(0)
    if known is None:
        return False  # integers of the model's own
    number = args_of(node)[1]
    if kind in _FILLS:
        due = min(max(round(number / known.scale) + known.zp, known.qmin), known.qmax)
        return bool(due != number)
    integers = torch.arange(known.qmin, known.qmax + 1)
    compare = getattr(torch, kind)
    return not torch.equal(compare(integers, number), compare((integers - known.zp).float() * known.scale, number))
