"""RMS norms as the arithmetic that ExecuTorch fuses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import constant, replacing, value_of

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class SpellRmsNorms(ModuleRewrite):
    """ExecuTorch splits `nn.RMSNorm` into arithmetic that adds a scalar, which Vulkan has no operator for. Its pattern
    `rms_norm` takes the sum of a tensor and a number, and becomes one operator. That one has weights and runs along the
    last dimension. So weights of ones are made where there are none. Several dimensions become one."""

    name: ClassVar[str] = "spell-rms-norms"
    law: ClassVar[str] = "rms_norm(x, w) = w (x rsqrt(mean(x x) + eps)), rounded otherwise"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    removes: ClassVar[frozenset[str]] = frozenset({"aten.add.Scalar"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        if node.target != torch.ops.aten.rms_norm.default or "val" not in getattr(node.args[0], "meta", {}):
            return False
        weights = _operands(node)[2]
        return node.meta["val"].is_floating_point() and (weights is None or value_of(module, weights) is not None)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten = torch.ops.aten
        x, normalised, weights, epsilon = _operands(node)
        shape = [int(extent) for extent in node.meta["val"].shape]
        columns, several = math.prod(normalised), len(normalised) > 1
        if epsilon is None:
            epsilon = torch.finfo(node.meta["val"].dtype).eps
        with replacing(module, node) as new:
            rows = new.call(aten.reshape.default, x, [*shape[: -len(normalised)], columns]) if several else x
            if weights is None or several:
                weights = constant(module, _flat(value_of(module, weights), columns, node), "norm_weights")
            mean = new.call(aten.mean.dim, new.call(aten.mul.Tensor, rows, rows), [-1], True)
            inverse = new.call(aten.rsqrt.default, new.call(aten.add.Tensor, mean, epsilon))
            new.call(aten.mul.Tensor, new.call(aten.mul.Tensor, rows, inverse), weights)
            if several:
                new.call(aten.reshape.default, new.last, shape)


def _operands(node: Node) -> tuple[Any, Any, Any, Any]:
    """What is normalised, over which extents, weights or None, and epsilon or None for the smallest of the type."""
    given: tuple[Any, ...] = (*node.args, None, None)[:4]
    x, normalised, weights, epsilon = given
    return x, normalised, node.kwargs.get("weight", weights), node.kwargs.get("eps", epsilon)


def _flat(weights: torch.Tensor | None, columns: int, node: Node) -> torch.Tensor:
    import torch

    return torch.ones(columns, dtype=node.meta["val"].dtype) if weights is None else weights.detach().reshape(columns)
