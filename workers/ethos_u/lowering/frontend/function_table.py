"""Float functions of one int8 value.

ExecuTorch gets them in the place of an operator that it lowers to a TABLE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from workers.errors import ModelError
from workers.ethos_u.lowering.frontend.edge import before_partitioning, short_name

if TYPE_CHECKING:
    import torch
    from executorch.backends.arm.tosa.specification import TosaSpecification
    from torch.export import ExportedProgram
    from torch.fx import Node

Function = Callable[["torch.Tensor"], "torch.Tensor"]


class FunctionTables:
    """The functions that stand in the programs of one lowering.

    A function stands in the program as a power, which ExecuTorch lowers to a TABLE. Its exponent is one that no model
    has. It identifies the function when the table is filled, and distinguishes it from others of the same value.
    """

    def __init__(self, choice: str, first_exponent: float) -> None:
        """No function stands anywhere yet.

        Args:
            choice: that puts them there, for messages.
            first_exponent: those of further functions are lower by 1 each. No two choices may have the same ones.
        """
        self._choice, self._first = choice, first_exponent
        self._functions: dict[float, Function] = {}

    def put(self, dequantise: Node, quantise: Node, function: Function) -> None:
        """Let a function stand between two operators.

        Args:
            dequantise: what it is a function of.
            quantise: what its values go to; reads them from here on.
            function: of what the dequantise gives.
        """
        from executorch.backends.arm.common.annotation_meta import ArmAnnotationInfo
        from executorch.exir.dialects._ops import ops

        last: Any = quantise.args[0]
        exponent = self._first - len(self._functions)
        self._functions[exponent] = function
        with quantise.graph.inserting_before(quantise):
            # One of its own: the partitioner leaves a dequantise on the CPU that something on the CPU reads.
            own = quantise.graph.node_copy(dequantise)
            power = quantise.graph.call_function(ops.edge.aten.pow.Tensor_Scalar, (own, exponent))
        annotation = {ArmAnnotationInfo.CUSTOM_META_KEY: ArmAnnotationInfo(quantized=True)}
        power.meta = {**last.meta, "custom": {**last.meta.get("custom", {}), **annotation}}
        quantise.replace_input_with(last, power)

    @contextmanager
    def filled(self) -> Iterator[None]:
        """Inside the block, ExecuTorch fills the tables that stand for these functions with their values."""
        from executorch.backends.arm._passes.insert_table_ops import TableOps

        stock = TableOps.__getitem__

        def function_of(table: Any, node: Node) -> Function:
            exponent: Any = node.args[1] if short_name(node) == "pow" else None
            return self._functions[exponent] if exponent in self._functions else stock(table, node)

        with patch.object(TableOps, "__getitem__", function_of):
            yield

    def check(self, program: ExportedProgram) -> None:
        """Raises ModelError if such a power was left on the CPU, which would compute it as one."""
        for node in program.graph_module.graph.nodes:
            if short_name(node) == "pow" and node.args[1] in self._functions:
                raise ModelError(f"{self._choice}: ExecuTorch leaves {node.name} on the CPU")


#: Changes a program as `workers.ethos_u.lowering.frontend.edge.Rewrite`, with functions that stand in it.
RewriteWithTables = Callable[["FunctionTables", "ExportedProgram", "TosaSpecification"], None]


@contextmanager
def before_partitioning_with(tables: FunctionTables, rewrite: RewriteWithTables) -> Iterator[None]:
    """Inside the block, edge programs are rewritten before they are partitioned, and their functions become tables.

    Args:
        tables: of the functions, empty.
        rewrite: changes a program.

    Yields:
        Nothing. The lowering raises ModelError if ExecuTorch leaves a function on the CPU.
    """
    with tables.filled(), before_partitioning(partial(rewrite, tables), tables.check):
        yield
