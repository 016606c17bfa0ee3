"""Weights that are computed from constants alone."""

from __future__ import annotations

from collections.abc import Iterator
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

    Attributes:
        before_norm: whether it is for layers that a batch norm reads, or for all others.
    """

    name: ClassVar[str] = "fold-weights"
    law: ClassVar[str] = "what is computed from constants alone is a constant"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"constant-operands"})
    before_norm: ClassVar[bool] = False

    def fits(self, module: GraphModule, node: Node) -> bool:
        return node in set(self._fitting(module))

    def _fitting(self, module: GraphModule) -> Iterator[Node]:
        """One sweep finds what depends on constants alone. By node, each would look at all that comes before it."""
        plain = _plain_by_node(module)

        def is_constant(node: Node) -> bool:
            return node in plain and computed_value(module, node) is not None

        def is_read(node: Node) -> bool:
            """Whether a constant, or a view of it, is read by what is no constant."""
            return any(not is_constant(user) or (not _changes_values(user) and is_read(user)) for user in node.users)

        for node in list(module.graph.nodes):
            computes = plain.get(node, False) and _changes_values(node)
            if computes and _feeds_batch_norm(node) == self.before_norm and is_constant(node) and is_read(node):
                yield node

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


def _plain_by_node(module: GraphModule) -> dict[Node, bool]:
    """What may depend on constants alone. Each with whether torch's own operators compute it: weights that are
    dequantised stay quantised."""
    import torch

    found: dict[Node, bool] = {}
    for node in module.graph.nodes:
        operands = node.all_input_nodes
        if node.op == "get_attr":
            found[node] = True
        elif isinstance(node.target, torch._ops.OpOverload) and all(one in found for one in operands):
            found[node] = node.target.namespace == "aten" and all(found[one] for one in operands)
    return found


def _feeds_batch_norm(node: Node) -> bool:
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
