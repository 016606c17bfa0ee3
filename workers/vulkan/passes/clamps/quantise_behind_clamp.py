"""Static int8 rounds behind a ReLU6, not before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.model.marks import QUANTISE_BEHIND, is_marked, mark
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.clamps.clamp_bounds import bounds_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class QuantiseBehindClamp(ModuleRewrite):
    """ExecuTorch's static quantiser takes a ReLU after a convolution as part of it. It takes a ReLU6 as an operator of
    its own, which it gives the scale of the convolution. Behind the clamp the range is that of the clamp, so
    `drop-relu6` can follow. Without effect on layers that are not static.
    """

    name: ClassVar[str] = "quantise-behind-clamp"
    law: ClassVar[str] = "the output of the clamp is rounded once, with a scale for its own range"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    needs: ClassVar[frozenset[Scheme]] = frozenset({Scheme.STATIC8})

    def fits(self, module: GraphModule, node: Node) -> bool:
        return bounds_of(node) is not None and not is_marked(node, QUANTISE_BEHIND) and _behind_fused(node)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        mark(node, QUANTISE_BEHIND)


def _behind_fused(node: Node) -> bool:
    """Whether it alone reads a convolution, with or without a batch norm, or a sum: what becomes one int8 operator."""
    import torch

    aten = torch.ops.aten
    producer: Any = node.args[0]
    if getattr(producer, "target", None) == aten.batch_norm.default and len(producer.users) == 1:
        producer = producer.args[0]
    fused = (aten.conv2d.default, aten.conv1d.default, aten.conv_transpose2d.input, aten.add.Tensor)
    return getattr(producer, "target", None) in fused and len(producer.users) == 1
