"""Attention as matrix products and a softmax."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import computed_value, constant, replacing

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node

#: What stands for minus infinity in a mask: the lowest number that half precision has.
_LOWEST = -65504.0


@dataclass(frozen=True)
class SpellAttention(ModuleRewrite):
    """ExecuTorch decomposes F.scaled_dot_product_attention into a form that is safe for rows that are wholly masked. It
    multiplies by scalars and asks `any`, which have no Vulkan implementation. So the model falls into several
    delegates. It also asks `logical_not`, which the runtime lacks. No row is wholly masked without a mask or with a
    causal one. Nor is it with a constant mask that leaves something of every row. A part of a buffer is constant, too.
    """

    name: ClassVar[str] = "spell-attention"
    law: ClassVar[str] = "softmax(q kT * scale + mask) v is what attention computes where no row is wholly masked"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    removes: ClassVar[frozenset[str]] = frozenset(
        {"aten.mul.Scalar", "aten.any.dim", "aten.logical_not.default", "scalar_tensor.default"}
    )

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        if node.target != torch.ops.aten.scaled_dot_product_attention.default:
            return False
        mask, dropout, causal, _, grouped = _options(node)
        if dropout or grouped or not all("val" in operand.meta for operand in node.args[:3]):  # type: ignore[union-attr]
            return False
        return mask is None or (not causal and _additive(computed_value(module, mask)) is not None)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten = torch.ops.aten
        mask, _, causal, scale, _ = _options(node)
        query, key, value = node.args[:3]
        shapes = [operand.meta["val"].shape for operand in (query, key)]  # type: ignore[union-attr]
        if scale is None:
            scale = 1 / math.sqrt(shapes[0][-1])
        with replacing(module, node) as new:
            scaled = new.call(aten.mul.Tensor, query, constant(module, torch.tensor(float(scale)), "attention_scale"))
            scores = new.call(aten.matmul.default, scaled, new.call(aten.transpose.int, key, -2, -1))
            added = (
                _causal(*(int(shape[-2]) for shape in shapes)) if causal else _additive(computed_value(module, mask))
            )
            if added is not None:
                scores = new.call(aten.add.Tensor, scores, constant(module, added, "attention_mask"))
            new.call(aten.matmul.default, new.call(aten.softmax.int, scores, -1), value)


def _options(node: Node) -> tuple[Any, float, bool, float | None, bool]:
    """Mask, dropout, causality, scale and whether heads of keys are shared."""
    named = dict(zip(("attn_mask", "dropout_p", "is_causal"), node.args[3:], strict=False)) | dict(node.kwargs)
    get: Any = named.get
    return (
        get("attn_mask"), get("dropout_p", 0.0), get("is_causal", False), get("scale"), get("enable_gqa", False)
    )  # fmt: skip


def _causal(queries: int, keys: int) -> torch.Tensor:
    import torch

    return torch.full((queries, keys), _LOWEST).triu(1)


def _additive(mask: torch.Tensor | None) -> torch.Tensor | None:
    """A constant mask as numbers to add; None where there is none, or where it hides a whole row."""
    import torch

    if mask is None:
        return None
    added = torch.zeros(mask.shape).masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else mask.float()
    if bool((added.amax(-1) == -math.inf).any()) or bool(added.isnan().any()):
        return None
    return added.clamp(min=_LOWEST)
