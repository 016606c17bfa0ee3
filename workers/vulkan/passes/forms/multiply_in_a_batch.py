"""Products with matrices that the model computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import computed_value, is_transposed, replacing

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class MultiplyInABatch(ModuleRewrite):
    """ExecuTorch makes a linear operator of a product with a transposed matrix: AddmmToLinearTransform. The runtime
    packs the weights of one when it is loaded, so it takes constants only: GemmCommon.cpp. `aten.bmm` takes what is
    computed. `F.normalize(x) @ F.normalize(y).T` and weights that the model computes are such products.
    """

    name: ClassVar[str] = "multiply-in-a-batch"
    law: ClassVar[str] = "the product of two matrices is that of a batch of one"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"constant-operands"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        aten = torch.ops.aten
        operands: Any = node.args[:2]
        is_product = node.target in (aten.matmul.default, aten.mm.default) and is_transposed(operands[1])
        if node.target != aten.linear.default and not is_product:
            return False
        if "val" not in node.meta or not all("val" in one.meta for one in operands):
            return False
        rows, matrix = (one.meta["val"] for one in operands)
        if rows.dim() < 2 or matrix.dim() != 2 or not node.meta["val"].is_floating_point():
            return False
        # The matrix first: most are parameters, and what the rows depend on is most of the program.
        return all(computed_value(module, one) is None for one in reversed(operands))

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten = torch.ops.aten
        rows, matrix, *bias = node.args
        *outer, columns = [int(extent) for extent in rows.meta["val"].shape]  # type: ignore[union-attr]
        with replacing(module, node) as made:
            if node.target == aten.linear.default:
                matrix = made.call(aten.permute.default, matrix, [1, 0])
            batch = made.call(aten.reshape.default, rows, [1, -1, columns])
            product = made.call(aten.bmm.default, batch, made.call(aten.unsqueeze.default, matrix, 0))
            result = int(node.meta["val"].shape[-1])
            product = made.call(aten.reshape.default, product, [*outer, result])
            if bias and bias[0] is not None:
                made.call(aten.add.Tensor, product, bias[0])
