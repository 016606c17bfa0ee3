"""Convolutions of some of another convolution's output channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from search_space.ir.editor import Editor
from search_space.ir.graph import TensorType
from search_space.layout.constants import permuted_constant

#: Convolutions whose weights begin with the output's channels.
_CONVOLUTIONS = frozenset(("CONV2D", "CONV3D", "TRANSPOSE_CONV2D"))

#: Operators on one value that may follow a convolution.
_UNARY = frozenset(("CLAMP", "RESCALE", "TABLE"))


def conv_chain_to(edit: Editor, node_id: int) -> list[int]:
    """Find the chain from a convolution with constant int8 weights to a value.

    Between the two there are only CLAMP, RESCALE and TABLE, each the single user of its operand.

    Args:
        edit: the graph under change.
        node_id: id of the value.

    Returns:
        The ids of the chain, convolution first and value last; empty if there is no such chain.
    """
    chain = [node_id]
    while edit[chain[0]].op in _UNARY:
        source = edit[chain[0]].inputs[0]
        if not edit.used_once(source):
            return []
        chain.insert(0, source)
    known = (i for at in chain for i in edit[at].inputs[1:])
    if edit[chain[0]].op not in _CONVOLUTIONS or not all(map(edit.is_constant, known)):
        return []
    return chain if edit[edit[chain[0]].inputs[1]].type.dtype == "INT8" else []


def copy_of_channels(edit: Editor, chain: Sequence[int], channels: Sequence[int], row: int | None = None) -> int:
    """Add a copy of a chain that computes some of its output channels.

    Args:
        edit: the graph under change.
        chain: ids as `conv_chain_to` returns them.
        channels: the output channels, in the order of the result.
        row: for a 1x1 convolution: id of its data in another shape. The result then has that shape, too.

    Returns:
        The id of the value at the end of the new chain.
    """
    value = edit[chain[0]].inputs[0] if row is None else row
    pixels = None if row is None else edit[row].type.shape[:-1]
    for node_id in chain:
        node = edit[node_id]
        of_channels = {"RESCALE": (1, 2) if node.attributes.get("per_channel") else (), "CLAMP": (), "TABLE": ()}
        positions = of_channels.get(node.op, (1, 2))
        inputs = [value, *node.inputs[1:]]
        for position in positions:
            inputs[position] = permuted_constant(edit, inputs[position], 0, channels)
        tensor = TensorType((*(pixels or node.type.shape[:-1]), len(channels)), node.type.dtype)
        value = edit.add(replace(node, inputs=tuple(inputs), type=tensor))
    return value
