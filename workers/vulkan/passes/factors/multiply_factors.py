"""Factors of matrix products as multiplications of their operands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import Replacement, constant, is_transposed, replacing, value_of

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class MultiplyFactors(ModuleRewrite):
    """ExecuTorch makes a linear operator of `addmm(b, x, w.t())` without its alpha and beta: AddmmToLinearTransform.
    Constants are multiplied when the program is written, other operands by an operator. The law is for finite operands:
    with a beta of zero, PyTorch does not read b."""

    name: ClassVar[str] = "multiply-factors"
    law: ClassVar[str] = "beta b + alpha (x w) = (beta b) + (alpha x) w = (beta b) + x (alpha w), rounded otherwise"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"dropped-factors"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        aten = torch.ops.aten
        if node.target != aten.addmm.default or all(factor == 1 for factor in _factors(node)) or "val" not in node.meta:
            return False
        # Other products keep their factors.
        return is_transposed(node.args[2]) and node.meta["val"].is_floating_point()

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        alpha, beta = _factors(node)
        bias, rows, columns = node.args
        dtype = node.meta["val"].dtype
        with replacing(module, node) as new:
            bias = _multiplied(module, new, bias, beta, dtype)
            weights: Any = columns.args[0]  # type: ignore[union-attr]
            if value_of(module, weights) is not None and len(weights.users) == len(columns.users) == 1:  # type: ignore[union-attr]
                weights = _multiplied(module, new, weights, alpha, dtype)
                columns = new.call(columns.target, weights, *columns.args[1:])  # type: ignore[union-attr]
            else:
                rows = _multiplied(module, new, rows, alpha, dtype)
            new.call(torch.ops.aten.addmm.default, bias, rows, columns)


def _factors(node: Node) -> tuple[Any, Any]:
    """Alpha and beta."""
    return node.kwargs.get("alpha", 1), node.kwargs.get("beta", 1)


def _multiplied(module: GraphModule, new: Replacement, operand: Any, factor: Any, dtype: torch.dtype) -> Node:
    import torch

    if factor == 1:
        return operand
    value = value_of(module, operand)
    if value is not None:
        return constant(module, value.detach() * factor, "scaled")
    return new.call(torch.ops.aten.mul.Tensor, operand, constant(module, torch.tensor([factor], dtype=dtype), "factor"))
