"""Broadcast operands of sums and products are expanded first, so that the operators are quantised.

ExecuTorch's quantiser for explicit layouts takes operands of equal shapes alone. A squeeze-and-excite block multiplies
an image by one value per channel. So that product stays in float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workers.cortex_m.passes.base import FloatRewrite

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
    shape, own = _shape(node), _shape(operand)
    whole = (1,) * (len(shape) - len(own)) + own
    last = (0, *range(2, len(shape)), 1)
    order = last if len(shape) > 2 and whole[1] > 1 and whole[-1] < shape[-1] else tuple(range(len(shape)))
    back = [order.index(axis) for axis in range(len(shape))]
    value = operand
    for target, wanted, asked in (
        (aten.reshape.default, whole != own, whole),
        (aten.permute.default, order == last, order),
        (aten.expand.default, True, [shape[axis] for axis in order]),
        (aten.permute.default, order == last, back),
    ):
        if wanted:
            with node.graph.inserting_before(node):
                after = node.graph.call_function(target, (value, list(asked)))
            after.meta = {**node.meta, "val": target(value.meta["val"], list(asked))}
            value = after
    return value


def _broadcast(node: Node) -> list[tuple[int, Any]]:
    """Places and nodes of float operands whose shape is not that of the result."""
    operands = [(at, one) for at, one in enumerate(node.args[:2]) if "val" in getattr(one, "meta", {})]
    if len(operands) < 2 or not all(_is_float(one) for _, one in operands):
        return []
    return [(at, one) for at, one in operands if _shape(one) != _shape(node)]


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(node.meta["val"].shape)


def _is_float(node: Any) -> bool:
    return bool(node.meta["val"].is_floating_point())
