"""Regions of values that must agree on the order of their channels, and their reordering.

The channels of a value are its last dimension. Elementwise operators, pooling, depthwise convolutions and the like give
their result the order of their operands. A convolution ends a region on both sides. Its constant weights can take input
channels, and give output channels, in any order. A layout transform ends it if it can take up the new order. CONCAT and
SLICE of channels tie a part of one value to another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import accumulate

from search_space.ir.dtypes import IMMOVABLE
from search_space.ir.editor import Editor
from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import CONST, MOVE, Node, move
from search_space.ir.layout_map import LayoutMap
from search_space.layout.channel_order import ChannelOrder
from search_space.layout.constants import permuted_constant
from search_space.layout.emission import plan
from search_space.layout.rules.all_rules import RULES

#: Operator -> axes of its weights (operand 1) for the channels that it takes and gives. TOSA 1.0: OHWI, ODHWI.
_WEIGHT_AXES = {"CONV2D": (3, 0), "CONV3D": (4, 0), "TRANSPOSE_CONV2D": (3, 0), "MATMUL": (1, 2)}

#: Entry j of a value's new last dimension is entry indices[j] of the old one.
Indices = tuple[int, ...]


@dataclass
class ChannelRegion:
    """The values that get another order of channels if one of them does.

    Attributes:
        order: of the value that the region began with.
        exempt: id of a layout transform that may become more expensive.
        values: ids of the members, with their new orders.
        consumers: convolutions that read a member and take up its order in their weights.
        maps: layout transforms that read a member and take up its order.
        others: readers that are not affected.
    """

    order: ChannelOrder
    exempt: int | None
    values: dict[int, Indices] = field(default_factory=dict)
    consumers: dict[int, None] = field(default_factory=dict)
    maps: dict[int, None] = field(default_factory=dict)
    others: dict[int, None] = field(default_factory=dict)

    def layout(self, edit: Editor, value: int) -> LayoutMap | None:
        """The map from a member in its old order to its new one.

        Args:
            edit: the graph under change.
            value: id of the member.

        Returns:
            The map, or None if the order does not consist of the region's atoms.
        """
        if self.values[value] != self.order.indices:
            return None
        return self.order.layout(edit[value].type.shape)


def region_of(edit: Editor, start: int, order: ChannelOrder, exempt: int | None = None) -> ChannelRegion | None:
    """Find the region of a value.

    Args:
        edit: the graph under change.
        start: id of the value.
        order: its new order.
        exempt: id of a layout transform that may become more expensive, since the caller has priced it.

    Returns:
        The region, or None if an operator fixes the order or another layout transform would become more expensive.
    """
    region = ChannelRegion(order, exempt)
    pending = [(start, order.indices)]
    while pending:
        value, indices = pending.pop()
        if value in region.values:
            if region.values[value] != indices:
                return None
            continue
        node = edit[value]
        if edit.is_output(value) or node.type.shape[-1:] != (len(indices),):
            return None
        region.values[value] = indices
        above = _tied_above(edit, region, value)
        if above is None:
            return None
        pending += above
        for reader in dict.fromkeys(edit.users(value)):
            below = _tied_below(edit, region, value, reader)
            if below is None:
                return None
            pending += below
    return None if region.maps.keys() & region.values.keys() else region


def _tied_above(edit: Editor, region: ChannelRegion, value: int) -> list[tuple[int, Indices]] | None:
    """The orders that operands need for a member's order; None if the member cannot have it."""
    node, indices = edit[value], region.values[value]
    if node.op == MOVE and not _keeps_channels(node):
        layout = region.layout(edit, value)
        after = layout and node.layout_map.then(layout)
        return None if not after or moves_longer_runs(node.layout_map, after) else []
    if node.op in _WEIGHT_AXES:
        return [] if _has_weights(edit, node) else None
    if _is_join(node):
        tied = _split(edit, node, indices)
    elif _is_cut(edit, node):
        start, count = node.attributes["start"][-1], edit[node.inputs[0]].type.shape[-1]
        whole = (*range(start), *(start + i for i in indices), *range(start + len(indices), count))
        tied = [(node.inputs[0], whole)]
    else:
        operands = _tied_operands(edit, node)
        tied = None if operands is None else [(i, indices) for i in operands]
    return None if tied is None else [(i, wanted) for i, wanted in tied if not edit.is_constant(i)]


def _tied_below(edit: Editor, region: ChannelRegion, value: int, reader: int) -> list[tuple[int, Indices]] | None:
    """The orders that results get where a member is read; None if that is not possible."""
    node, indices = edit[reader], region.values[value]
    if node.op == MOVE and not _keeps_channels(node):
        layout = region.layout(edit, value)
        after = layout and layout.inverse.then(node.layout_map)
        if not after or (moves_longer_runs(node.layout_map, after) and reader != region.exempt):
            return None
        if edit.is_output(reader) and not plan(after):
            return None
        region.maps[reader] = None
        return []
    if node.op in _WEIGHT_AXES:
        if not _has_weights(edit, node) or node.inputs.count(value) != 1 or node.inputs[0] != value:
            return None
        region.consumers[reader] = None
        return []
    if _is_join(node):
        return [(reader, _joined(edit, region, node))]
    if _is_cut(edit, node):
        start, count = node.attributes["start"][-1], node.type.shape[-1]
        part = tuple(i - start for i in indices[start : start + count])
        if sorted(part) != list(range(count)):
            return None
        if part == tuple(range(count)):
            region.others[reader] = None
            return []
        return [(reader, part)]
    tied = _tied_operands(edit, node)
    return None if tied is None or value not in tied else [(reader, indices)]


def _is_join(node: Node) -> bool:
    """CONCAT of channels."""
    return node.op == "CONCAT" and node.attributes["axis"] == len(node.type.shape) - 1


def _is_cut(edit: Editor, node: Node) -> bool:
    """SLICE of channels."""
    return node.op == "SLICE" and node.type.shape[-1] != edit[node.inputs[0]].type.shape[-1]


def _parts(edit: Editor, node: Node) -> Iterable[tuple[int, int, int]]:
    """Of a CONCAT of channels: operand, its first channel in the result, and how many it has."""
    counts = [edit[i].type.shape[-1] for i in node.inputs]
    return zip(node.inputs, accumulate([0, *counts[:-1]]), counts, strict=True)


def _split(edit: Editor, node: Node, indices: Indices) -> list[tuple[int, Indices]] | None:
    """The order of each operand that gives the result this one; operands that keep theirs are left out."""
    found = []
    for operand, first, count in _parts(edit, node):
        part = tuple(i - first for i in indices[first : first + count])
        if sorted(part) != list(range(count)):
            return None
        if part != tuple(range(count)):
            if edit.is_constant(operand):
                return None
            found.append((operand, part))
    return found


def _joined(edit: Editor, region: ChannelRegion, node: Node) -> Indices:
    """The order of the result that follows from those of the operands."""
    return tuple(
        first + i
        for operand, first, count in _parts(edit, node)
        for i in region.values.get(operand, tuple(range(count)))
    )


def _keeps_channels(node: Node) -> bool:
    """Whether a layout transform only regroups or moves rows."""
    return node.layout_map.channels == tuple(range(node.type.shape[-1] if node.type.shape else 0))


def _tied_operands(edit: Editor, node: Node) -> list[int] | None:
    """The operands whose channels are the result's one by one; None if it does not take every channel alike."""
    if node.op == MOVE:
        return [node.inputs[0]]
    rule, shape = RULES.get(node.op), node.type.shape
    if rule is None or len(edit[node.inputs[0]].type.shape) != len(shape):
        return None
    if len(shape) - 1 in rule.dimensions(edit, node):
        return None
    if node.op == "RESCALE" and not all(map(edit.is_constant, node.inputs[1:3])):
        return None
    if node.op == "DEPTHWISE_CONV2D" and not (_has_weights(edit, node) and edit[node.inputs[1]].type.shape[3] == 1):
        return None
    operands = [node.inputs[p] for p in rule.operands(node)]
    tied = [i for i in operands if edit[i].type.shape[-1] == shape[-1]]
    if node.op in DATA_OPERANDS and any(edit[i].type.dtype in IMMOVABLE for i in tied):
        return None
    return tied


def _has_weights(edit: Editor, node: Node) -> bool:
    weights = edit[node.inputs[1]]
    constant_bias = node.op == "MATMUL" or edit.is_constant(node.inputs[2])
    return weights.op == CONST and weights.type.dtype != "INT4" and constant_bias


def moves_longer_runs(one: LayoutMap, other: LayoutMap) -> bool:
    """Whether a map moves longer runs of elements than another one, or as long ones in fewer dimensions.

    Args:
        one: the map.
        other: the map that it is compared with.

    Returns:
        True if it does.
    """
    return (_run(one), -len(one.atoms)) > (_run(other), -len(other.atoms))


def _run(layout: LayoutMap) -> int:
    """Elements that stay neighbours."""
    return layout.atoms[-1] if layout.atoms and layout.order[-1] == len(layout.order) - 1 else 1


def reorder(edit: Editor, region: ChannelRegion) -> None:
    """Give every member of a region its new order.

    Members become new values. Readers outside the region keep the old ones.

    Args:
        edit: the graph under change.
        region: the region, from `region_of`.
    """
    done: dict[int, int] = {}

    def reordered(value: int) -> int:
        if value not in done:
            done[value] = _reordered(edit, region, value, reordered)
        return done[value]

    for value in region.values:
        reordered(value)
    for reader in region.others.keys() - region.values.keys():
        node = edit[reader]
        edit.redefine(reader, replace(node, inputs=tuple(done.get(i, i) for i in node.inputs)))
    for consumer in region.consumers.keys() - region.values.keys():
        node = edit[consumer]
        edit.redefine(consumer, _consuming(edit, region.values[node.inputs[0]], node, done[node.inputs[0]]))
    for reader in region.maps:
        node = edit[reader]
        old, new = node.inputs[0], done[node.inputs[0]]
        order = region.layout(edit, old)
        layout = order and order.inverse.then(node.layout_map)
        assert layout is not None
        if plan(layout):
            edit.redefine(reader, move(new, edit[new].type, plan(layout), node.name))
        else:
            edit.replace_uses(reader, new)


def _reordered(edit: Editor, region: ChannelRegion, value: int, reordered: Callable[[int], int]) -> int:
    node, indices = edit[value], region.values[value]
    if node.op == MOVE and node.inputs[0] not in region.values:
        source, order = node.inputs[0], region.layout(edit, value)
        layout = order and node.layout_map.then(order)
        assert layout is not None
        return edit.add(move(source, edit[source].type, plan(layout), node.name)) if plan(layout) else source
    if node.op in _WEIGHT_AXES:
        if node.inputs[0] in region.values:
            node = _consuming(edit, region.values[node.inputs[0]], node, reordered(node.inputs[0]))
        inputs = list(node.inputs)
        inputs[1] = permuted_constant(edit, inputs[1], _WEIGHT_AXES[node.op][1], indices)
        if node.op != "MATMUL":
            inputs[2] = permuted_constant(edit, inputs[2], 0, indices)
        return edit.add(replace(node, inputs=tuple(inputs)))
    if _is_join(node) or _is_cut(edit, node):
        return edit.add(replace(node, inputs=tuple(reordered(i) if i in region.values else i for i in node.inputs)))
    tied = _tied_operands(edit, node) or []
    inputs = [
        permuted_constant(edit, i, len(edit[i].type.shape) - 1, indices)
        if i in tied and edit.is_constant(i)
        else (reordered(i) if i in tied else i)
        for i in node.inputs
    ]
    # Parameters with an entry for each channel: multipliers and shifts, weights [KH,KW,C,1] and bias.
    if node.op == "RESCALE":
        inputs[1:3] = [permuted_constant(edit, i, 0, indices) for i in inputs[1:3]]
    if node.op == "DEPTHWISE_CONV2D":
        inputs[1:3] = [permuted_constant(edit, i, axis, indices) for i, axis in zip(inputs[1:3], (2, 0), strict=True)]
    return edit.add(replace(node, inputs=tuple(inputs)))


def _consuming(edit: Editor, indices: Indices, node: Node, data: int) -> Node:
    """The convolution on data in the new order."""
    weights = permuted_constant(edit, node.inputs[1], _WEIGHT_AXES[node.op][0], indices)
    return replace(node, inputs=(data, weights, *node.inputs[2:]))
