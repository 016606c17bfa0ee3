"""Values that must agree on the order of their channels, and what it takes to give them another order.

The channels of a value are its last dimension. Elementwise operators, pooling, depthwise convolutions and the like tie
the order of their result to that of their operands; a convolution ends it on both sides, since its constant weights can
take their input channels, and give their output channels, in any order; a layout map ends it if it can take the new
order up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from search_space.channel_order import ChannelOrder
from search_space.dtypes import IMMOVABLE
from search_space.editor import Editor
from search_space.elementwise import DATA_OPERANDS
from search_space.graph import CONST, MOVE, Node, move
from search_space.layout_map import LayoutMap
from search_space.moved_constant import permuted_constant
from search_space.plan import plan

#: Operator -> axes of its weights (operand 1) for the channels that it takes and gives. TOSA 1.0: OHWI, ODHWI.
_WEIGHT_AXES = {"CONV2D": (3, 0), "CONV3D": (4, 0), "TRANSPOSE_CONV2D": (3, 0), "MATMUL": (1, 2)}

#: Operators that take every channel alike if they do nothing along the last dimension.
_AXIS_OPERATORS = frozenset(
    ("CONCAT", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PRODUCT", "REDUCE_SUM", "REVERSE")
)
_WINDOWS = frozenset(("AVG_POOL2D", "MAX_POOL2D", "RESIZE"))


@dataclass
class ChannelRegion:
    """The values that get another order of channels if one of them does.

    judged: a movement that may become harder. values: ids, members of the region. takers: convolutions that read a
    member and take the order up in their weights. maps: movements that read one.
    """

    order: ChannelOrder
    judged: int | None
    values: dict[int, None] = field(default_factory=dict)
    takers: dict[int, None] = field(default_factory=dict)
    maps: dict[int, None] = field(default_factory=dict)


def region_of(edit: Editor, start: int, order: ChannelOrder, judged: int | None = None) -> ChannelRegion | None:
    """The region of value `start`; None if something ties its order down, or a movement would become harder by it.

    judged: a movement whose new form the caller has looked at.
    """
    region, channels = ChannelRegion(order, judged), len(order.indices)
    pending = [start]
    while pending:
        value = pending.pop()
        if value in region.values:
            continue
        node = edit[value]
        if edit.is_output(value) or node.type.shape[-1:] != (channels,):
            return None
        region.values[value] = None
        above = _tied_above(edit, region, node)
        if above is None:
            return None
        pending += above
        for reader in dict.fromkeys(edit.users(value)):
            below = _tied_below(edit, region, value, reader)
            if below is None:
                return None
            pending += below
    return None if region.maps.keys() & region.values.keys() else region


def _tied_above(edit: Editor, region: ChannelRegion, node: Node) -> list[int] | None:
    """Which operands must have the order of this member; None if it cannot have another one."""
    if node.op == MOVE:
        after = node.layout_map.then(region.order.layout(node.type.shape))
        return None if after is None or easier(node.layout_map, after) else []
    if node.op in _WEIGHT_AXES:
        return [] if _has_weights(edit, node) else None
    tied = _tied_operands(edit, node)
    return None if tied is None else [i for i in tied if not edit.is_constant(i)]


def _tied_below(edit: Editor, region: ChannelRegion, value: int, reader: int) -> list[int] | None:
    """Which results must have the order of a member that is read here; None if that cannot be."""
    node = edit[reader]
    if node.op == MOVE:
        after = region.order.layout(edit[value].type.shape).inverse.then(node.layout_map)
        if after is None or (easier(node.layout_map, after) and reader != region.judged):
            return None
        if edit.is_output(reader) and not plan(after):
            return None
        region.maps[reader] = None
        return []
    if node.op in _WEIGHT_AXES:
        if not _has_weights(edit, node) or node.inputs.count(value) != 1 or node.inputs[0] != value:
            return None
        region.takers[reader] = None
        return []
    tied = _tied_operands(edit, node)
    return None if tied is None or value not in tied else [reader]


def _tied_operands(edit: Editor, node: Node) -> list[int] | None:
    """The operands whose channels are the result's one by one; None if it does not take every channel alike."""
    last = len(node.type.shape) - 1
    if node.op in DATA_OPERANDS:
        operands = node.inputs[: DATA_OPERANDS[node.op]]
        tied = [i for i in operands if edit[i].type.shape[-1] == node.type.shape[-1]]
        return tied if all(edit[i].type.dtype not in IMMOVABLE for i in tied) else None
    if node.op == "RESCALE":
        return [node.inputs[0]] if all(map(edit.is_constant, node.inputs[1:3])) else None
    if node.op == "DEPTHWISE_CONV2D":
        return [node.inputs[0]] if _has_weights(edit, node) and edit[node.inputs[1]].type.shape[3] == 1 else None
    if node.op in _WINDOWS:
        return [node.inputs[0]]
    if node.op in _AXIS_OPERATORS:
        return list(node.inputs) if node.attributes["axis"] != last else None
    if node.op == "PAD":
        return [node.inputs[0]] if not any(node.attributes["padding"][2 * last :]) else None
    if node.op == "TILE":
        return [node.inputs[0]] if node.attributes["multiples"][last] == 1 else None
    if node.op == "SLICE":
        return [node.inputs[0]] if node.type.shape[-1] == edit[node.inputs[0]].type.shape[-1] else None
    return None


def _has_weights(edit: Editor, node: Node) -> bool:
    weights = edit[node.inputs[1]]
    constant_bias = node.op == "MATMUL" or edit.is_constant(node.inputs[2])
    return weights.op == CONST and weights.type.dtype != "INT4" and constant_bias


def easier(one: LayoutMap, other: LayoutMap) -> bool:
    """Whether the one moves longer runs of elements, or as long ones in fewer dimensions."""
    return (_run(one), -len(one.atoms)) > (_run(other), -len(other.atoms))


def _run(layout: LayoutMap) -> int:
    """Elements that stay neighbours."""
    return layout.atoms[-1] if layout.atoms and layout.order[-1] == len(layout.order) - 1 else 1


def reorder(edit: Editor, region: ChannelRegion) -> None:
    """Give every member of the region its new order. Members are new values; readers outside keep theirs."""
    done: dict[int, int] = {}

    def reordered(value: int) -> int:
        if value not in done:
            done[value] = _reordered(edit, region, value, reordered)
        return done[value]

    for value in region.values:
        reordered(value)
    for taker in region.takers.keys() - region.values.keys():
        node = edit[taker]
        edit.redefine(taker, _taking(edit, region.order, node, done[node.inputs[0]]))
    for reader in region.maps:
        node = edit[reader]
        new = done[node.inputs[0]]
        layout = region.order.layout(edit[new].type.shape).inverse.then(node.layout_map)
        assert layout is not None
        if plan(layout):
            edit.redefine(reader, move(new, edit[new].type, plan(layout), node.name))
        else:
            edit.replace_uses(reader, new)


def _reordered(edit: Editor, region: ChannelRegion, value: int, reordered: Callable[[int], int]) -> int:
    node, order = edit[value], region.order
    if node.op == MOVE:
        source = node.inputs[0]
        layout = node.layout_map.then(order.layout(node.type.shape))
        assert layout is not None
        return edit.add(move(source, edit[source].type, plan(layout), node.name)) if plan(layout) else source
    if node.op in _WEIGHT_AXES:
        if node.inputs[0] in region.values:
            node = _taking(edit, order, node, reordered(node.inputs[0]))
        inputs = list(node.inputs)
        inputs[1] = permuted_constant(edit, inputs[1], _WEIGHT_AXES[node.op][1], order.indices)
        if node.op != "MATMUL":
            inputs[2] = permuted_constant(edit, inputs[2], 0, order.indices)
        return edit.add(replace(node, inputs=tuple(inputs)))
    tied = _tied_operands(edit, node) or []
    inputs = [
        permuted_constant(edit, i, len(edit[i].type.shape) - 1, order.indices)
        if i in tied and edit.is_constant(i)
        else (reordered(i) if i in tied else i)
        for i in node.inputs
    ]
    # Parameters with an entry for each channel: multipliers and shifts, weights [KH,KW,C,1] and bias.
    if node.op == "RESCALE":
        inputs[1:3] = [permuted_constant(edit, i, 0, order.indices) for i in inputs[1:3]]
    if node.op == "DEPTHWISE_CONV2D":
        inputs[1:3] = [
            permuted_constant(edit, i, axis, order.indices) for i, axis in zip(inputs[1:3], (2, 0), strict=True)
        ]
    return edit.add(replace(node, inputs=tuple(inputs)))


def _taking(edit: Editor, order: ChannelOrder, node: Node, data: int) -> Node:
    """The convolution on data in the new order."""
    weights = permuted_constant(edit, node.inputs[1], _WEIGHT_AXES[node.op][0], order.indices)
    return replace(node, inputs=(data, weights, *node.inputs[2:]))
