"""Broadcast operands of sums and products are expanded first, so that the operators are quantised.

ExecuTorch's quantiser for explicit layouts takes operands of equal shapes alone. A squeeze-and-excite block multiplies
an image by one value per channel. So that product stays in float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workers.cortex_m.cost.reading.nodes import shape_of
from workers.cortex_m.passes.base import FloatRewrite
from workers.cortex_m.passes.calls import call

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class ExpandOperands(FloatRewrite):
    """Puts `expand` before each operand of a sum, difference or product that has another shape than the result."""

    name: ClassVar[str] = "expand-operands"
    law: ClassVar[str] = (
        "a broadcast operand is its expansion to the shape of the result; int8 kernels round what float computed"
    )

    def fits(self, node: Node) -> bool:
        import torch

        aten = torch.ops.aten
        kinds = {
            aten.add.Tensor, aten.add_.Tensor, aten.sub.Tensor, aten.sub_.Tensor, aten.mul.Tensor, aten.mul_.Tensor,
        }  # fmt: skip
        return node.target in kinds and _is_float(node) and bool(_broadcast(node))

    def rewrite(self, node: Node) -> None:
        for at, operand in _broadcast(node):
            node.update_arg(at, _expanded(node, operand))


def _expanded(node: Node, operand: Any) -> Any:
    """The operand in the shape of the result. The portable kernel copies rows of the last axis. So the pixels of an
    image are expanded with its channels last, which is the order of convolutions, too."""
    import torch

    aten = torch.ops.aten
    shape, own = shape_of(node), shape_of(operand)
    whole = (1,) * (len(shape) - len(own)) + own
    with node.graph.inserting_before(node):
        if whole != own:
            operand = call(node, aten.reshape.default, operand, list(whole))
        if len(shape) < 3 or whole[1] == 1 or whole[-1] == shape[-1]:
            return call(node, aten.expand.default, operand, list(shape))
        last = [0, *range(2, len(shape)), 1]
        turned = call(node, aten.permute.default, operand, last)
        wide = call(node, aten.expand.default, turned, [shape[axis] for axis in last])
        return call(node, aten.permute.default, wide, [last.index(axis) for axis in range(len(shape))])


def _broadcast(node: Node) -> list[tuple[int, Any]]:
    """Places and nodes of float operands whose shape is not that of the result."""
    operands = [(at, one) for at, one in enumerate(node.args[:2]) if "val" in getattr(one, "meta", {})]
    if len(operands) < 2 or not all(_is_float(one) for _, one in operands):
        return []
    return [(at, one) for at, one in operands if shape_of(one) != shape_of(node)]


def _is_float(node: Any) -> bool:
    return bool(node.meta["val"].is_floating_point())
