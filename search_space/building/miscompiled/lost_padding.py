"""A fact about Vela 5.1.0 and 5.2.0: a decomposed window over a SLICE loses its leading padding.

Vela gives the place of a slice to its reader, which then reads it in place. A convolution or pool may be decomposed
into several operations. Its padding above and on the left then becomes a negative place. That happens only if it has no
place yet. (See `TensorSlice::Initialize`, called by `DecomposeConv2D` and its like in regor's
compiler/scheduler_decompose.cpp.) Behind a slice it has one. Each operation then starts at the slice's first row and
column, and pads more at the end.

Vela decomposes a batch, a dilation above 2, a stride above 3, and dimensions above 65,536. A PAD between the slice and
a convolution becomes the convolution's padding (`ReplacePadByExplicitPadding` in compiler/graphir_optimiser.cpp).
Behind what the NPU computes, the padding is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from search_space.building.convolution import MOST_CHANNELS, MOST_STRIDE
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node

_WINDOWS = ("AVG_POOL2D", "CONV2D", "DEPTHWISE_CONV2D", "MAX_POOL2D")
_MOST_DILATION = 2


def windows_without_padding(edit: Editor, changed: Iterable[int]) -> list[int]:
    """Find windows that lose their padding in Vela 5.1.0 and 5.2.0.

    Args:
        edit: the graph under change.
        changed: ids of the nodes that are looked at, with their users.

    Returns:
        Ids of convolutions and pools, each once.
    """
    return [i for i in dict.fromkeys(_windows(edit, changed)) if _loses_padding(edit, edit[i])]


def _windows(edit: Editor, nodes: Iterable[int]) -> Iterator[int]:
    for node_id in nodes:
        if node_id not in edit:
            continue
        if edit[node_id].op in _WINDOWS:
            yield node_id
        elif edit[node_id].op in ("PAD", "SLICE", MOVE):
            yield from _windows(edit, edit.users(node_id))


def _loses_padding(edit: Editor, node: Node) -> bool:
    top, _, left, _ = node.attributes["pad"]
    source = _seen(edit, node.inputs[0])
    dimensions = max(*edit[node.inputs[0]].type.shape, *node.type.shape)
    if source.op == "PAD" and len(source.type.shape) == len(node.type.shape) and not any(node.attributes["pad"]):
        _, _, top, _, left, *_ = source.attributes["padding"]
        source = _seen(edit, source.inputs[0])
    if source.op != "SLICE" or (not top and not left):
        return False
    return (
        node.type.shape[0] > 1
        or max(node.attributes.get("dilation", (1,))) > _MOST_DILATION
        or max(node.attributes["stride"]) > MOST_STRIDE
        or dimensions > MOST_CHANNELS
    )


def _seen(edit: Editor, value: int) -> Node:
    """The node that computes a value, reshapes aside."""
    node = edit[value]
    while node.op == MOVE and node.layout_map.keeps_order:
        node = edit[node.inputs[0]]
    return node
