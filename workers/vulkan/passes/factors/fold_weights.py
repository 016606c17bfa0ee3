"""Weights that are computed from constants alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import computed_value, constant
from workers.vulkan.passes.forms.norms import is_batch_norm

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FoldWeights(ModuleRewrite):
    """ExecuTorch leaves such operators in the program, and the runtime would compute them again in each run.

    A convolution or linear layer cannot read the result, since it packs its weights when it is loaded: Convolution.cpp,
    GemmCommon.cpp. `weight_norm`, `spectral_norm` and masks of weights are such. Views of constants stay, and so do
    quantised weights. Where a batch norm follows, `fold-normed-weights` does so.
    """

    name: ClassVar[str] = "fold-weights"
    law: ClassVar[str] = "what is computed from constants alone is a constant"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"constant-operands"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        return is_folded_weight(module, node) and not feeds_batch_norm(node)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch
        from executorch.exir.tracer import _default_decomposition_table
        from torch.fx.experimental.proxy_tensor import make_fx

        # By the operators that the lowered program would have: `weight_norm` itself rounds otherwise.
        decomposed = make_fx(lambda: computed_value(module, node), _default_decomposition_table())()
        value: torch.Tensor = decomposed()
        with module.graph.inserting_before(node):
            node.replace_all_uses_with(constant(module, value.detach().contiguous(), "folded"))
        module.graph.erase_node(node)


def is_folded_weight(module: GraphModule, node: Node) -> bool:
    """Whether a node computes something from constants alone.

    Args:
        module: that it is of.
        node: any node.

    Returns:
        False also where only other constants are computed from it, and for views.
    """
    return _changes_values(node) and _is_constant(module, node) and _is_plain(node) and _is_read(module, node)


def feeds_batch_norm(node: Node) -> bool:
    """Whether a weight is of a convolution or linear layer that a batch norm reads."""
    return any(is_batch_norm(reader) for layer in node.users for reader in layer.users)


def _changes_values(node: Node) -> bool:
    """Whether an operator of tensors is neither a view nor a copy."""
    import torch

    aten = torch.ops.aten
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload) or not node.all_input_nodes:
        return False
    if node.target in (aten.lift_fresh_copy.default, aten.clone.default, aten.contiguous.default):
        return False
    return all(result.alias_info is None for result in node.target._schema.returns)


def _is_constant(module: GraphModule, node: Node) -> bool:
    return all(one.op != "placeholder" for one in node.all_input_nodes) and computed_value(module, node) is not None


def _is_plain(node: Node) -> bool:
    """Whether only torch's own operators compute a constant: weights that are dequantised stay quantised."""
    return node.op == "get_attr" or (
        getattr(node.target, "namespace", "") == "aten" and all(map(_is_plain, node.all_input_nodes))
    )


def _is_read(module: GraphModule, node: Node) -> bool:
    """Whether a constant, or a view of it, is read by what is no constant."""
    return any(
        not _is_constant(module, user) or (not _changes_values(user) and _is_read(module, user)) for user in node.users
    )
