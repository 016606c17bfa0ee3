"""Layout changes move below splits, so that ExecuTorch can cancel them with those behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of
from workers.cortex_m.passes.base import Program, Rewrite

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class SinkSplits(Rewrite):
    """Every split of a permuted value, when all its parts are taken."""

    name: ClassVar[str] = "sink-splits"
    law: ClassVar[str] = "parts of a permuted value are permuted parts of the value, along the axis that was split"
    before: ClassVar[str | None] = "ReplaceSqueezeAndUnsqueezeWithViewPass"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) not in ("split_with_sizes_copy", "split_copy"):
            return False
        source = args_of(node)[0]
        taken = all(operator_of(user) == "getitem" for user in node.users)
        return taken and source.op == "call_function" and operator_of(source) == "permute_copy"

    def rewrite(self, program: Program, node: Node) -> None:
        # Split the value before it is permuted, and permute every part.
        graph, (permuted, sizes, *axis) = program.module.graph, args_of(node)
        source, order = args_of(permuted)[:2]
        split_axis = order[(axis[0] if axis else 0) % len(order)]
        with graph.inserting_before(node):
            parts = graph.call_function(node.target, (source, sizes, split_axis))  # type: ignore[arg-type]
        parts.meta = dict(node.meta)
        for user in list(node.users):
            with graph.inserting_before(user):
                part: Node = graph.call_function(user.target, (parts, *args_of(user)[1:]))  # type: ignore[arg-type]
                moved: Any = graph.call_function(permuted.target, (part, list(order)))
            part.meta, moved.meta = dict(user.meta), dict(user.meta)
            user.replace_all_uses_with(moved)
