"""Says what is wrong with an ill-formed graph.

Checks the structure: every operand is computed, there is no cycle, the interface has its types. Per operator it checks
the number of operands, attributes, shapes and element types that TOSA 1.0 asks for. Values are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

from search_space.errors import SpaceError
from search_space.ir import schema
from search_space.ir.dtypes import IMMOVABLE, payload_bytes
from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import CONST, INPUT, MOVE, Graph, Node, TensorType
from search_space.ir.layout_map import Shape
from search_space.ir.type_rules import operand_count, type_problems

Types = list[TensorType]

#: Operand types with which a node was found well-formed: programs share most nodes with their predecessors.
_SOUND: WeakKeyDictionary[Node, Types] = WeakKeyDictionary()


def problems(graph: Graph) -> list[str]:
    """One line for each thing that is wrong; empty for a well-formed graph."""
    try:
        order = graph.order
    except SpaceError as error:
        return [str(error)]
    found = [f"input {i} is not an INPUT node" for i in graph.inputs if graph[i].op != INPUT]
    nodes = graph.nodes
    for node_id in order:
        node = nodes[node_id]
        if node.op == INPUT and node_id not in graph.inputs:
            found.append(f"{_label(node, node_id)} is not among the program's inputs")
        operands = [nodes[i].type for i in node.inputs]
        if _SOUND.get(node) == operands:
            continue
        wrong = _node_problems(node, operands)
        if not wrong:
            _SOUND[node] = operands
        found += [f"{_label(node, node_id)}: {what}" for what in wrong]
    return found


def _label(node: Node, node_id: int) -> str:
    return f"{node.op} {node.name or f'value {node_id}'}"


def verify(graph: Graph) -> Graph:
    """The graph itself. Raises SpaceError that names what is wrong if it is ill-formed."""
    found = problems(graph)
    if found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise SpaceError("ill-formed graph: " + "; ".join(found[:3]) + more)
    return graph


def _node_problems(node: Node, operands: Types) -> list[str]:
    if any(size <= 0 for size in node.type.shape):
        return [f"shape {node.type.shape} has a dimension below 1"]
    if node.op == INPUT:
        return []
    if node.op == CONST:
        size = payload_bytes(node.type.dtype, node.type.elements)
        return [] if len(node.payload) == size else [f"has {len(node.payload)} bytes, {node.type} needs {size}"]
    if node.op == MOVE:
        return _move(node, operands)
    if node.op not in DATA_OPERANDS and node.op not in _RULES:
        return ["is not an operator that velatune handles"]
    wanted = {f.name for f in schema.ATTRIBUTES.get(node.op, ())} | set(schema.SHAPE_OPERANDS.get(node.op, {}).values())
    if wanted != set(node.attributes):
        return [f"has attributes {sorted(node.attributes)}, needs {sorted(wanted)}"]
    count, check = (operand_count(node.op), _elementwise) if node.op in DATA_OPERANDS else _RULES[node.op]
    if len(operands) != count and (count is not None or not operands):
        return [f"has {len(operands)} operands, needs {count or 'at least 1'}"]
    axis = node.attributes.get("axis", 0)
    if not 0 <= axis < max(1, len(operands[0].shape)):
        return [f"axis {axis} is outside {operands[0].shape}"]
    try:
        return type_problems(node, operands) + check(node, operands)
    except (IndexError, ValueError, TypeError, ZeroDivisionError):
        described = ", ".join([*map(str, operands), *(f"{name}={value}" for name, value in node.attributes.items())])
        return [f"operands and attributes do not fit together: {described}"]


def _move(node: Node, operands: Types) -> list[str]:
    if len(operands) != 1:
        return [f"has {len(operands)} operands, needs 1"]
    if node.type.dtype in IMMOVABLE:
        return [f"TOSA has no TRANSPOSE and RESHAPE of {node.type.dtype}"]
    layout = node.layout_map
    if operands[0].shape != layout.in_shape or operands[0].dtype != node.type.dtype:
        return [f"moves {node.type.dtype} {layout.in_shape}, its operand is {operands[0]}"]
    return _result(node, layout.out_shape)


def _elementwise(node: Node, operands: Types) -> list[str]:
    count = DATA_OPERANDS[node.op]
    data = [t.shape for t in operands[:count]]
    if len({len(shape) for shape in data}) > 1:
        return [f"operands have different ranks: {', '.join(map(str, operands[:count]))}"]
    shape = tuple(max(sizes) for sizes in zip(*data, strict=True))
    if any(size not in (1, full) for one in data for size, full in zip(one, shape, strict=True)):
        return [f"operands do not broadcast: {', '.join(map(str, operands[:count]))}"]
    first = 1 if node.op == "SELECT" else 0
    if node.op in _SAME_TYPE and any(t.dtype != operands[first].dtype for t in operands[first:count]):
        return [f"operands have different types: {', '.join(map(str, operands[:count]))}"]
    return _result(node, shape)


_SAME_TYPE = {op for op, count in DATA_OPERANDS.items() if count > 1}


def _result(node: Node, shape: Shape) -> list[str]:
    return [] if node.type.shape == shape else [f"gives {shape}, says {node.type.shape}"]


def _window(size: int, before: int, after: int, kernel: int, stride: int, dilation: int) -> int:
    if min(before, after) < 0 or min(stride, dilation) < 1:
        raise ValueError("a window goes backwards")
    return _positions(size + before + after - dilation * (kernel - 1) - 1, stride)


def _positions(way: int, stride: int) -> int:
    if way % stride:
        raise ValueError("a stride does not end at the border")
    return way // stride + 1


def _spatial(node: Node, data: Shape, kernel: Shape, dilation: Shape) -> Shape:
    pad, stride = node.attributes["pad"], node.attributes["stride"]
    dims = range(len(kernel))
    return tuple(_window(data[1 + d], pad[2 * d], pad[2 * d + 1], kernel[d], stride[d], dilation[d]) for d in dims)


def _conv(node: Node, operands: Types) -> list[str]:
    data, weights = operands[0].shape, operands[1].shape
    if len(weights) != len(data) or weights[-1] != data[-1]:
        return [f"weights {weights} do not fit data {data}"]
    kernel = weights[1:-1]
    return _result(node, (data[0], *_spatial(node, data, kernel, node.attributes["dilation"]), weights[0]))


def _depthwise(node: Node, operands: Types) -> list[str]:
    data, weights = operands[0].shape, operands[1].shape
    if weights[2] != data[3]:
        return [f"weights {weights} do not fit data {data}"]
    spatial = _spatial(node, data, weights[:2], node.attributes["dilation"])
    return _result(node, (data[0], *spatial, weights[2] * weights[3]))


def _transpose_conv(node: Node, operands: Types) -> list[str]:
    (n, h, w, c), (oc, kh, kw, ic) = operands[0].shape, operands[1].shape
    if ic != c:
        return [f"weights {operands[1].shape} do not fit data {operands[0].shape}"]
    (top, bottom, left, right), (down, across) = node.attributes["out_pad"], node.attributes["stride"]
    return _result(node, (n, (h - 1) * down + top + bottom + kh, (w - 1) * across + left + right + kw, oc))


def _pool(node: Node, operands: Types) -> list[str]:
    data, kernel = operands[0].shape, node.attributes["kernel"]
    return _result(node, (data[0], *_spatial(node, data, kernel, (1,) * len(kernel)), data[3]))


def _matmul(node: Node, operands: Types) -> list[str]:
    (n, h, c), (n2, c2, w) = operands[0].shape, operands[1].shape
    return _result(node, (n, h, w)) if (n, c) == (n2, c2) else [f"{operands[0]} does not multiply {operands[1]}"]


def _reduce(node: Node, operands: Types) -> list[str]:
    shape = operands[0].shape
    axis = node.attributes["axis"]
    return _result(node, (*shape[:axis], 1, *shape[axis + 1 :]))


def _argmax(node: Node, operands: Types) -> list[str]:
    shape, axis = operands[0].shape, node.attributes["axis"]
    return _result(node, (*shape[:axis], *shape[axis + 1 :]))


def _concat(node: Node, operands: Types) -> list[str]:
    axis = node.attributes["axis"]
    rests = {(*t.shape[:axis], *t.shape[axis + 1 :], t.dtype) for t in operands}
    if len(rests) != 1:
        return [f"operands differ beyond axis {axis}: {', '.join(map(str, operands))}"]
    shape = operands[0].shape
    return _result(node, (*shape[:axis], sum(t.shape[axis] for t in operands), *shape[axis + 1 :]))


def _pad(node: Node, operands: Types) -> list[str]:
    padding, shape = node.attributes["padding"], operands[0].shape
    return _result(node, tuple(padding[2 * d] + size + padding[2 * d + 1] for d, size in enumerate(shape)))


def _slice(node: Node, operands: Types) -> list[str]:
    start, size, shape = node.attributes["start"], node.attributes["size"], operands[0].shape
    if len(start) != len(shape) or any(a < 0 or a + n > full for a, n, full in zip(start, size, shape, strict=True)):
        return [f"slice {start} + {size} is outside {shape}"]
    return _result(node, size)


def _gather(node: Node, operands: Types) -> list[str]:
    (n, _, c), (n2, w) = operands[0].shape, operands[1].shape
    if n != n2 or operands[1].dtype != "INT32":
        return [f"indices {operands[1]} do not fit values {operands[0]}"]
    return _result(node, (n, w, c))


def _scatter(node: Node, operands: Types) -> list[str]:
    (n, k, c), (n2, w) = operands[0].shape, operands[1].shape
    if n != n2 or operands[1].dtype != "INT32" or operands[2] != TensorType((n, w, c), operands[0].dtype):
        return [f"indices {operands[1]} and input {operands[2]} do not fit values {operands[0]}"]
    return _result(node, (n, k, c))


def _resize(node: Node, operands: Types) -> list[str]:
    n, *sizes, c = operands[0].shape
    scale, offset, border = (node.attributes[name] for name in ("scale", "offset", "border"))
    spatial = [
        _positions((size - 1) * scale[2 * d] - offset[d] + border[d], scale[2 * d + 1]) for d, size in enumerate(sizes)
    ]
    return _result(node, (n, *spatial, c))


def _tile(node: Node, operands: Types) -> list[str]:
    multiples, shape = node.attributes["multiples"], operands[0].shape
    return _result(node, tuple(m * size for m, size in zip(multiples, shape, strict=True)))


def _rescale(node: Node, operands: Types) -> list[str]:
    channels = operands[0].shape[-1] if node.attributes["per_channel"] else 1
    if operands[1].shape != (channels,) or operands[2].shape != (channels,):
        return [f"has {operands[1]} multipliers and {operands[2]} shifts for {channels} channels"]
    return _result(node, operands[0].shape)


def _same_shape(node: Node, operands: Types) -> list[str]:
    return _result(node, operands[0].shape)


#: Operator -> number of operands (None: any), check.
_RULES: dict[str, tuple[int | None, Callable[[Node, Types], list[str]]]] = {
    "ARGMAX": (1, _argmax),
    "AVG_POOL2D": (3, _pool),
    "CONCAT": (None, _concat),
    "CONV2D": (5, _conv),
    "CONV3D": (5, _conv),
    "DEPTHWISE_CONV2D": (5, _depthwise),
    "GATHER": (2, _gather),
    "MATMUL": (4, _matmul),
    "MAX_POOL2D": (1, _pool),
    "PAD": (2, _pad),
    "REDUCE_ALL": (1, _reduce),
    "REDUCE_ANY": (1, _reduce),
    "REDUCE_MAX": (1, _reduce),
    "REDUCE_MIN": (1, _reduce),
    "REDUCE_PRODUCT": (1, _reduce),
    "REDUCE_SUM": (1, _reduce),
    "RESCALE": (5, _rescale),
    "RESIZE": (1, _resize),
    "REVERSE": (1, _same_shape),
    "SCATTER": (3, _scatter),
    "SLICE": (1, _slice),
    "TILE": (1, _tile),
    "TRANSPOSE_CONV2D": (5, _transpose_conv),
}
