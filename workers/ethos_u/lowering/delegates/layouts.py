"""Orders of dimensions in memory: of delegates' inputs, and of a program's inputs and outputs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workers.errors import ModelError
from workers.ethos_u.lowering.delegates.delegate_calls import delegate_calls
from workers.ethos_u.lowering.delegates.run_lowered import dim_order
from workers.models.exported.io_layout import DimOrder, Interface

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import GraphModule


def _delegate_dim_orders(module: "GraphModule") -> list[DimOrder]:
    return [dim_order(source) for call in delegate_calls(module) for source in call.args[1:]]


def with_final_layouts(module: "GraphModule", name: str) -> "GraphModule":
    """The main graph after the one pass by which ExecuTorch changes layouts when delegates are compiled already.

    It lets operators on the CPU whose kernels are for NCHW only give NCHW. A delegate after one is not changed.

    Args:
        module: the main graph.
        name: of the model, for messages.

    Returns:
        The graph with the layouts that a `.pte` has.

    Raises:
        ModelError: the pass changes an input of a delegate.
    """
    compiled_for = _delegate_dim_orders(module)
    if all(order == tuple(range(len(order))) for order in compiled_for):
        return module
    from executorch.exir.passes import LegalizePortableDimOrderPass

    final = LegalizePortableDimOrderPass()(module).graph_module
    if _delegate_dim_orders(final) != compiled_for:
        raise ModelError(
            f"{name}: with NHWC inputs ExecuTorch hands a delegate NCHW data that it has compiled for NHWC, after an "
            "operator on the CPU; the program would compute something else; give --io-layout nchw"
        )
    return final


def interface_of(program: "ExportedProgram", module: "GraphModule") -> Interface:
    """Dim orders of a program's inputs and outputs.

    Args:
        program: lowered.
        module: its graph, with the layouts that it is written with.

    Returns:
        The dim orders of tensors, in the order of the user's inputs and outputs.
    """
    import torch
    from torch.export.graph_signature import InputKind, OutputKind

    signature = program.graph_signature
    placeholders = [node for node in module.graph.nodes if node.op == "placeholder"]
    results: Any = module.graph.output_node().args[0]
    inputs = zip(placeholders, signature.input_specs, strict=True)
    outputs = zip(results, signature.output_specs, strict=True)

    def dim_orders(ends: Iterable[tuple[Any, Any]], kind: InputKind | OutputKind) -> tuple[DimOrder, ...]:
        nodes = [node for node, spec in ends if spec.kind == kind and hasattr(node, "meta")]
        return tuple(dim_order(node) for node in nodes if isinstance(node.meta.get("val"), torch.Tensor))

    return Interface(dim_orders(inputs, InputKind.USER_INPUT), dim_orders(outputs, OutputKind.USER_OUTPUT))
