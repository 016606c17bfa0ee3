"""Numbers that lowering leaves unquantised become those that stand for them among quantised values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of
from workers.cortex_m.passes.base import Program, Rewrite

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class QuantiseNumbers(Rewrite):
    """Every comparison of quantised values with a number, and every fill, that comes out wrong as it is."""

    name: ClassVar[str] = "quantise-numbers"
    law: ClassVar[str] = (
        "quantised values are in the order of the integers that stand for them, so a number between two of them parts "
        "both alike; a fill with a value is one with the integer that stands for it"
    )

    def fits(self, program: Program, node: Node) -> bool:
        # It needs torch as well, which commands that only name passes do not load.
        from workers.cortex_m.guards.values.unquantised_numbers import is_wrong

        return is_wrong(node)

    def rewrite(self, program: Program, node: Node) -> None:
        # Then it is an operator of integers, and no quantisation belongs to it.
        from workers.cortex_m.guards.values.unquantised_numbers import right_number

        first, _, *rest = args_of(node)
        node.args = (first, right_number(node), *rest)
        node.meta = {key: value for key, value in node.meta.items() if not key.endswith("_qparams")}
