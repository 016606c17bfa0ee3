"""Float functions of one int8 value that ExecuTorch leaves on the CPU, as tables on the NPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from workers.errors import ModelError
from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.lowering.frontend.edge import before_partitioning, dequantises, quantises, runs_on_host, short_name

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram
    from torch.fx import Node

#: Operators of ATen that treat every element alike, and how the constants in them come about.
_ELEMENTWISE = {
    "_to_dim_order_copy", "abs", "acos", "acosh", "add", "alias_copy", "asin", "asinh", "atan", "atanh", "ceil",
    "celu", "clamp", "clone", "cos", "cosh", "div", "elu", "eq", "erf", "exp", "expm1", "floor", "full",
    "full_like", "ge", "gelu", "gt", "hardsigmoid", "hardswish", "hardtanh", "le", "leaky_relu", "log", "log10",
    "log1p", "logical_and", "logical_not", "logical_or", "logit", "lt", "maximum", "minimum", "mish", "mul", "ne",
    "neg", "pow", "reciprocal", "relu", "relu6", "round", "rsqrt", "scalar_tensor", "selu", "sigmoid", "sign",
    "silu", "sin", "sinh", "softplus", "sqrt", "sub", "tan", "tanh", "threshold", "trunc", "where",
}  # fmt: skip

#: A function stands in the program as a power, which ExecuTorch lowers to a TABLE; with an exponent that no model has,
#: by which it is known again when the table is filled, and which keeps it apart from others of the same value.
_FIRST_EXPONENT = -1000.5

Function = Callable[["torch.Tensor"], "torch.Tensor"]


@contextmanager
def lowering(alternative: str) -> Iterator[None]:
    """Inside the block, ExecuTorch lowers such functions to tables."""
    functions: dict[float, Function] = {}
    rewrite, check = partial(_tabulate, functions), partial(_all_taken, functions)
    with _filling(functions), before_partitioning(rewrite, check):
        yield


def concerns(host_operators: Iterable[HostOperator]) -> bool:
    """Whether the default lowering leaves anything on the CPU that may be such a function."""
    return any(one.name.split(".")[1] in _ELEMENTWISE for one in host_operators if "." in one.name)


@contextmanager
def _filling(functions: dict[float, Function]) -> Iterator[None]:
    """Let ExecuTorch fill the tables that stand for these functions with their values."""
    from executorch.backends.arm._passes.insert_table_ops import TableOps

    stock = TableOps.__getitem__

    def function_of(self: Any, node: Node) -> Function:
        exponent: Any = node.args[1] if short_name(node) == "pow" else None
        return functions[exponent] if exponent in functions else stock(self, node)

    with patch.object(TableOps, "__getitem__", function_of):
        yield


def _tabulate(functions: dict[float, Function], program: ExportedProgram) -> None:
    """Put one power in the place of the operators between each dequantise and quantise."""
    from executorch.backends.arm.common.annotation_meta import ArmAnnotationInfo
    from executorch.exir.dialects._ops import ops

    graph = program.graph_module.graph
    for quantise in [node for node in graph.nodes if quantises(node)]:
        leaves, members = _host_function(program, quantise)
        sources = [leaf for leaf in leaves if dequantises(leaf)]
        if len(sources) != 1 or not members:
            continue
        exponent = _FIRST_EXPONENT - len(functions)
        last: Any = quantise.args[0]
        constants = [leaf for leaf in leaves if leaf not in sources]
        functions[exponent] = _function(program, sources[0], constants, members)
        with graph.inserting_before(quantise):
            power = graph.call_function(ops.edge.aten.pow.Tensor_Scalar, (sources[0], exponent))
        annotation = {ArmAnnotationInfo.CUSTOM_META_KEY: ArmAnnotationInfo(quantized=True)}
        power.meta = {**last.meta, "custom": {**last.meta.get("custom", {}), **annotation}}
        quantise.replace_input_with(last, power)
    graph.eliminate_dead_code()
    program.graph_module.recompile()


def _all_taken(functions: dict[float, Function], program: ExportedProgram) -> None:
    """Raises ModelError if a power that stands for a function was left on the CPU, where it would be one."""
    for node in program.graph_module.graph.nodes:
        if short_name(node) == "pow" and node.args[1] in functions:
            raise ModelError(f"host-function=table: ExecuTorch leaves {node.name} on the CPU")


def _host_function(program: ExportedProgram, quantise: Node) -> tuple[list[Node], list[Node]]:
    """What operators on the CPU lead to a quantise that treat every element alike: the dequantises and constants of one
    element that they lead from, and the operators in program order. Nothing if they lead from anything else."""
    leaves: dict[Node, None] = {}
    members: set[Node] = set()
    waiting = list(quantise.all_input_nodes)
    while waiting:
        node = waiting.pop()
        of_constant = dequantises(node) and _is_constant(program, node.args[0])
        if _is_constant(program, node) or (dequantises(node) and not of_constant):
            leaves[node] = None
        elif not of_constant and (short_name(node) not in _ELEMENTWISE or not runs_on_host(node)):
            return [], []
        elif node not in members:
            members.add(node)
            waiting += node.all_input_nodes
    return list(leaves), [node for node in quantise.graph.nodes if node in members]


def _is_constant(program: ExportedProgram, node: Any) -> bool:
    """Of one element."""
    from executorch.backends.arm._passes.arm_pass_utils import is_param_node

    return is_param_node(program, node) and node.meta["val"].numel() == 1


def _function(program: ExportedProgram, source: Node, constants: list[Node], members: list[Node]) -> Function:
    """What PyTorch computes of values that a dequantise gives, element by element."""
    from executorch.backends.arm._passes.arm_pass_utils import get_param_tensor
    from torch.fx import Graph, GraphModule

    graph = Graph()
    copies = {leaf: graph.placeholder(leaf.name) for leaf in (source, *constants)}
    for node in members:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[members[-1]])
    values = [get_param_tensor(program, constant) for constant in constants]
    module = GraphModule({}, graph)
    return lambda x: module(x, *values).ravel()
