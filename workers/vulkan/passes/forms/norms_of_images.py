"""Batch and group norms of signals and of rows, as those of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import replacing
from workers.vulkan.passes.forms.norms import is_batch_norm, is_folded, is_group_norm

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

_RANK = 4


@dataclass(frozen=True)
class NormsOfImages(ModuleRewrite):
    """Vulkan's runtime takes batch and group norms of four dimensions alone: BatchNorm.cpp, and the shader of
    GroupNorm.cpp, which takes the third last for channels. `nn.BatchNorm1d` and audio models have two or three. A batch
    norm that a convolution or linear layer takes in stays as it is.
    """

    name: ClassVar[str] = "norms-of-images"
    law: ClassVar[str] = "dimensions of extent one behind the others change neither channels nor their statistics"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"batch-norm", "group-norm"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        if not is_batch_norm(node) and not is_group_norm(node):
            return False
        operand: Any = node.args[0]
        return "val" in operand.meta and operand.meta["val"].ndim in (2, 3) and not is_folded(node)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten = torch.ops.aten
        operand: Any = node.args[0]
        shape = [int(extent) for extent in operand.meta["val"].shape]
        with replacing(module, node) as new:
            image = new.call(aten.view.default, operand, [*shape, *[1] * (_RANK - len(shape))])
            normed = new.call(node.target, image, *node.args[1:])
            new.call(aten.view.default, normed, shape)
