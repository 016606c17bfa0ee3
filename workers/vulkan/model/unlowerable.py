"""Operators that ExecuTorch is known to stop at, whatever the recipe is, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.models.error_place import line_of

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node

#: Of what a rolled tensor becomes, the index has another fake mode than what ExecuTorch's pass propagates with.
_ROLLS = ("roll.default",)

#: What gives a list of parts. Of a list with one part ExecuTorch asks for the shape.
_SPLITS = ("split.Tensor", "split.sizes", "split_with_sizes.default", "chunk.default")

#: Of 4-bit weights in groups, ExecuTorch fills up the scales, and does not take them where that makes more rows.
_GROUPED, _ROWS = "torchao.dequantize_affine.default", 4


def remedies_of(program: ExportedProgram) -> str:
    """Name what ExecuTorch may have stopped at.

    Args:
        program: of a model that ExecuTorch does not lower.

    Returns:
        What to write instead, for the end of a message. It is empty if the program has none of these operators.
    """
    found = {line: None for node in program.graph.nodes if node.op == "call_function" for line in _remedies(node)}
    return "".join(f"; {line}" for line in found)


def _remedies(node: Node) -> list[str]:
    name, value = getattr(node.target, "__name__", ""), node.meta.get("val")
    if name in _ROLLS:
        return [f"torch.roll ({line_of(node)}) is not lowered: write torch.cat([x[..., -n:], x[..., :-n]], -1)"]
    if name in _SPLITS and isinstance(value, (list, tuple)) and len(value) == 1:
        return [f"a split into one part ({line_of(node)}) is not lowered: leave it out"]
    if str(node.target) == _GROUPED and node.args[5:7] == (-8, 7):
        rows = value.shape[0] if value is not None and value.dim() == 2 else 0
        if rows % _ROWS:
            instead = f"leave that layer in floating point, or give it a multiple of {_ROWS} rows"
            return [f"4-bit weights of {rows} rows are not lowered: {instead}"]
    return []
