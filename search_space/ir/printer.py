"""A program as text, for people and tests.

    inputs  %0 x: int8[1,3,8,8]
    %1 conv1: int32[1,8,8,4] = CONV2D(%0, const int8[4,3,3,3] #9f3a) pad=(1,1,1,1) stride=(1,1) ...
    outputs %1

Values are numbered in program order. Constants stand where they are used: their values where they are few, else a
digest. So equal programs print the same but for their names.
"""

from __future__ import annotations

from search_space.ir.dtypes import NUMPY
from search_space.ir.graph import CONST, MOVE, Graph, Node

_FEW = 4


def print_graph(graph: Graph, names: bool = True) -> str:
    """Write a program as text, one line for each operator.

    Args:
        graph: the program.
        names: also write the names of the nodes. Without them, equal graphs give equal text.

    Returns:
        The text, with a newline at its end.
    """
    numbers: dict[int, str] = {}
    computed = 0
    for node_id in graph.order:
        node = graph[node_id]
        if node.op == CONST:
            numbers[node_id] = _constant(node)
        else:
            numbers[node_id] = f"%{computed}"
            computed += 1

    def value(node_id: int) -> str:
        node = graph[node_id]
        label = f" {node.name}" if names and node.name else ""
        return f"{numbers[node_id]}{label}: {node.type}"

    lines = [f"inputs  {', '.join(map(value, graph.inputs))}"]
    for node_id, node in graph.operators():
        operands = ", ".join(numbers[i] for i in node.inputs)
        if node.op == MOVE:
            lines.append(f"{value(node_id)} = MOVE({operands}) {' '.join(map(str, node.steps))}")
            continue
        attributes = "".join(f" {name}={_attribute(v)}" for name, v in node.attributes.items())
        lines.append(f"{value(node_id)} = {node.op}({operands}){attributes}")
    lines.append(f"outputs {', '.join(numbers[i] for i in graph.outputs)}")
    return "\n".join(lines) + "\n"


def _attribute(value: object) -> str:
    if isinstance(value, tuple):
        return "(" + ",".join(map(str, value)) + ")"
    return value.hex() if isinstance(value, bytes) else str(value)


def _constant(node: Node) -> str:
    if node.type.elements <= _FEW and node.type.dtype in NUMPY:
        return f"const {node.type} {node.array.ravel().tolist()}"
    return f"const {node.type} #{node.digest.hex()[:8]}"
