"""Instance norms as group norms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import replacing
from workers.vulkan.passes.forms.norms import fill_weights

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class InstanceNorms(ModuleRewrite):
    """Vulkan has group norms and no instance norms, which stay on the CPU. The group norm is one of images, with
    weights, as the runtime takes it."""

    name: ClassVar[str] = "instance-norms"
    law: ClassVar[str] = "an instance norm by the statistics of its input is a group norm with a group for each channel"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    removes: ClassVar[frozenset[str]] = frozenset({"aten._native_batch_norm_legit.no_stats"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        is_own = node.target == torch.ops.aten.instance_norm.default and node.args[5] is True
        return is_own and "val" in node.meta and node.meta["val"].ndim in (3, 4)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten = torch.ops.aten
        value = node.meta["val"]
        shape = [int(extent) for extent in value.shape]
        with replacing(module, node) as new:
            operand: Any = node.args[0]
            if value.ndim == 3:
                operand = new.call(aten.view.default, operand, [*shape, 1])
                operand.meta["val"] = value.unsqueeze(-1)
            normed = new.call(aten.group_norm.default, operand, shape[1], *node.args[1:3], node.args[7])
            fill_weights(module, normed)
            if value.ndim == 3:
                new.call(aten.view.default, normed, shape)
