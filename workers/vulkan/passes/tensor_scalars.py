"""Arithmetic with a scalar as arithmetic with a tensor of one element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import Rewrite, When


@dataclass(frozen=True)
class TensorScalars(Rewrite):
    """Vulkan has add, sub, mul and div of tensors, and none by scalars. It is ExecuTorch's own pass with sites. It
    writes shapes as the lists that Vulkan's serialiser takes.
    """

    name: ClassVar[str] = "tensor-scalars"
    law: ClassVar[str] = "a tensor of one element holds a scalar, rounded to the element type"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.EDGE
    removes: ClassVar[frozenset[str]] = frozenset(f"aten.{name}.Scalar" for name in ("add", "sub", "mul", "div"))

    def edge_pass(self) -> Any:
        """An `ExportPass`."""
        from executorch.backends.transforms.replace_scalar_with_tensor import ReplaceScalarWithTensorArgPass
        from executorch.exir.dialects._ops import ops as exir_ops

        rewrite = self

        class AtSites(ReplaceScalarWithTensorArgPass):
            """ReplaceScalarWithTensorArgPass at the sites that the rewrite is for."""

            def call(self, graph_module: Any) -> Any:
                self.seen = 0
                return super().call(graph_module)

            def call_operator(self, op: Any, args: Any, kwargs: Any, meta: Any) -> Any:
                if op in self.scalar_to_tensor_ops:
                    self.seen += 1
                    if not rewrite.chosen(self.seen):
                        return super(ReplaceScalarWithTensorArgPass, self).call_operator(op, args, kwargs, meta)
                return super().call_operator(op, args, kwargs, meta)

            def get_replacement(self, op: Any, args: Any, kwargs: Any, meta: Any) -> Any:
                stock = super(ReplaceScalarWithTensorArgPass, self).call_operator
                of = args[0].to_tensor()
                scalar = stock(
                    exir_ops.edge.aten.full.default,
                    ([1], float(args[1])),
                    {"dtype": of.dtype, "device": of.device},
                    meta,
                )
                return stock(self.scalar_to_tensor_ops[op], (args[0], scalar, *args[2:]), kwargs, meta)

        return AtSites()
