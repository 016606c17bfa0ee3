"""Layout changes around subgraphs that work by element, with more kinds of operators than ExecuTorch knows of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of
from workers.cortex_m.passes.base import Program, Rewrite

if TYPE_CHECKING:
    from torch.fx import Node

#: Functions of one value. Those that PyTorch computes in float even of integers are tables of 256 entries already.
_BY_ELEMENT = frozenset({"quantized_activation", "silu", "gelu", "relu"})


@dataclass(frozen=True)
class SinkElementwise(Rewrite):
    """Every function by element of a permuted value."""

    name: ClassVar[str] = "sink-elementwise"
    law: ClassVar[str] = "a function of every element by itself does not see in which order they lie"
    before: ClassVar[str | None] = "ReplaceSqueezeAndUnsqueezeWithViewPass"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) not in _BY_ELEMENT:
            return False
        source = args_of(node)[0]
        return source.op == "call_function" and operator_of(source) == "permute_copy"

    def rewrite(self, program: Program, node: Node) -> None:
        # Compute on the value before it is permuted, and permute the result.
        graph, permuted = program.module.graph, args_of(node)[0]
        with graph.inserting_before(node):
            computed: Node = graph.call_function(node.target, (args_of(permuted)[0], *args_of(node)[1:]))  # type: ignore[arg-type]
            moved: Node = graph.call_function(permuted.target, (computed, list(args_of(permuted)[1])))
        computed.meta, moved.meta = dict(node.meta), dict(node.meta)
        computed.meta["val"] = args_of(permuted)[0].meta["val"]
        node.replace_all_uses_with(moved)
