"""Float functions of one int8 value that ExecuTorch leaves on the CPU, as tables on the NPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.lowering.frontend.edge import dequantises, is_constant, quantises, runs_on_host, short_name
from workers.ethos_u.lowering.frontend.function_table import Function, FunctionTables, before_partitioning_with

if TYPE_CHECKING:
    from executorch.backends.arm.tosa.specification import TosaSpecification
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

_FIRST_EXPONENT = -1000.5


@contextmanager
def lowering(alternative: str) -> Iterator[None]:
    """Inside the block, ExecuTorch lowers such functions to tables."""
    with before_partitioning_with(FunctionTables("host-function=table", _FIRST_EXPONENT), _tabulate):
        yield


def concerns(host_operators: Iterable[HostOperator]) -> bool:
    """Whether the default lowering leaves anything on the CPU that may be such a function."""
    return any(one.name.split(".")[1] in _ELEMENTWISE for one in host_operators if "." in one.name)


def _tabulate(tables: FunctionTables, program: ExportedProgram, spec: TosaSpecification) -> None:
    """Put one function in the place of the operators between each dequantise and quantise."""
    graph = program.graph_module.graph
    for quantise in [node for node in graph.nodes if quantises(node)]:
        leaves, members = _host_function(program, quantise)
        sources = [leaf for leaf in leaves if dequantises(leaf)]
        if len(sources) == 1 and members:
            constants = [leaf for leaf in leaves if leaf not in sources]
            tables.put(sources[0], quantise, _function(program, sources[0], constants, members))
    graph.eliminate_dead_code()
    program.graph_module.recompile()


def _host_function(program: ExportedProgram, quantise: Node) -> tuple[list[Node], list[Node]]:
    """The operators on the CPU that treat every element alike and lead to a quantise. Also the dequantises and
    constants of one element that they start from. Operators are in program order. Nothing if they lead from anything
    else."""
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
    return is_constant(program, node) and node.meta["val"].numel() == 1


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
