"""Layer norms over several dimensions as those over one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import constant, replacing, value_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FlattenLayerNorms(ModuleRewrite):
    """Vulkan's runtime normalises one dimension: NativeLayerNorm.cpp."""

    name: ClassVar[str] = "flatten-layer-norms"
    law: ClassVar[str] = "a layer norm over the last dimensions is one over a dimension that has their elements"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"layer-norm"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        if node.target != torch.ops.aten.layer_norm.default:
            return False
        over: Any = node.args[1]
        given = [one for one in node.args[2:4] if one is not None]
        constants = all(value_of(module, one) is not None for one in given)
        return len(over) > 1 and "val" in node.meta and constants

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten = torch.ops.aten
        over: Any = node.args[1]
        shape = [int(extent) for extent in node.meta["val"].shape]
        elements = math.prod(over)
        values = [value_of(module, one) for one in node.args[2:4]]
        with replacing(module, node) as new:
            flat = new.call(aten.reshape.default, node.args[0], [*shape[: -len(over)], elements])
            # Constants of their own: the runtime takes no weights that are computed.
            weights = [
                None if value is None else constant(module, value.detach().reshape(elements), "flat_weight")
                for value in values
            ]
            normed = new.call(aten.layer_norm.default, flat, [elements], *weights, *node.args[4:])
            new.call(aten.reshape.default, normed, shape)
