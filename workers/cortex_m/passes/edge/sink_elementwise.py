"""Layout changes around subgraphs that work by element, with more kinds of operators than ExecuTorch knows of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of
from workers.cortex_m.passes.base import Program, Rewrite

if TYPE_CHECKING:
    from torch.fx import Node

#: Functions of one value. Those that PyTorch computes in float even of integers are tables of 256 entries already.
_BY_ELEMENT = frozenset({"quantized_activation", "silu", "gelu", "relu"})

#: What keeps all values and their order in memory.
_VIEWS = frozenset({"squeeze_copy", "unsqueeze_copy", "view_copy"})


@dataclass(frozen=True)
class SinkElementwise(Rewrite):
    """Every function by element of a permuted value, which may be seen under another shape."""

    name: ClassVar[str] = "sink-elementwise"
    law: ClassVar[str] = "a function of every element by itself does not see in which order they lie"
    before: ClassVar[str | None] = "ReplaceSqueezeAndUnsqueezeWithViewPass"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) not in _BY_ELEMENT:
            return False
        return any(operator_of(one) == "permute_copy" for one in _moves(node))

    def rewrite(self, program: Program, node: Node) -> None:
        # Compute on the value before it is moved, and move the result.
        graph, moves = program.module.graph, _moves(node)
        source = args_of(moves[-1])[0]
        with graph.inserting_before(node):
            result: Any = graph.call_function(node.target, (source, *args_of(node)[1:]))  # type: ignore[arg-type]
            result.meta = {**node.meta, "val": source.meta["val"]}
            for move in reversed(moves):
                result = graph.call_function(move.target, (result, *args_of(move)[1:]))  # type: ignore[arg-type]
                result.meta = {**node.meta, "val": move.meta["val"]}
        node.replace_all_uses_with(result)


def _moves(node: Node) -> list[Node]:
    """What moves the operand of a function, the last move first."""
    found: list[Node] = []
    source = args_of(node)[0]
    while source.op == "call_function" and operator_of(source) in {"permute_copy", *_VIEWS}:
        found.append(source)
        source = args_of(source)[0]
    return found
