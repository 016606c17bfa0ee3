"""A fact about Vela 5.1.0 and 5.2.0. Two RESCALEs may be fused to a convolution of INT16. Ethos-U85 can then lose bits
of the second multiplier.

TOSA rescales INT48 sums by multipliers of 15 bits. If that is by one, Vela fuses it to the convolution. Then it also
fuses a RESCALE of the INT32 result, whose multiplier has 31 bits. (See `FuseRescale` in regor's
compiler/graphir_optimiser.cpp.) Beside a bias of 48 bits, Ethos-U85 has room for a scale of 15 bits. Vela writes the
lowest 15 (`EncodeBias48` in architecture/ethosu85/ethos_u85_weight_encoder.cpp). Ethos-U55 and U65 have scales of 32
bits.

Vela takes out RESHAPEs between the two. What else reads the INT32 sums, or stands between them and their RESCALE, keeps
the two apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from search_space.building.miscompiled.fused_scales import fused_scales
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node

#: Bits of a RESCALE's multiplier, and of those that Ethos-U85 has for one of INT48 sums.
SCALE_BITS, SUM_SCALE_BITS_U85 = 31, 15

_CONVOLUTIONS = ("CONV2D", "DEPTHWISE_CONV2D")


def rescales_of_wide_sums(edit: Editor, changed: Iterable[int], bits: int = SUM_SCALE_BITS_U85) -> list[int]:
    """Find RESCALEs by whose multiplier the target cannot scale the INT48 sums that Vela fuses them to.

    Args:
        edit: the graph under change.
        changed: ids of the nodes that are looked at, with what follows them.
        bits: that the target has for a multiplier, see `TargetFacts.sum_scale_bits`.

    Returns:
        Ids of RESCALEs, each once.
    """
    if bits >= SCALE_BITS:
        return []
    return [i for i in dict.fromkeys(_last_rescales(edit, changed)) if _width(edit, edit[i]) > bits]


def _last_rescales(edit: Editor, nodes: Iterable[int]) -> Iterator[int]:
    """Those that Vela fuses to a convolution after another RESCALE."""
    for node_id in nodes:
        if node_id not in edit:
            continue
        node = edit[node_id]
        if node.op == "RESCALE" and _of_wide_sums(edit, node):
            yield node_id
        if _is_seen_through(edit, node) or node.type.dtype == "INT48":
            yield from _last_rescales(edit, edit.users(node_id))


def _of_wide_sums(edit: Editor, node: Node) -> bool:
    value, by_one = node.inputs[0], False
    while _is_seen_through(edit, edit[value]):
        if not edit.used_once(value):
            return False
        by_one = by_one or edit[value].op == "RESCALE"
        value = edit[value].inputs[0]
    return by_one and edit[value].type.dtype == "INT48" and edit[value].op in _CONVOLUTIONS and edit.used_once(value)


def _is_seen_through(edit: Editor, node: Node) -> bool:
    """Whether Vela leaves a node out, or fuses it so that the next RESCALE can be fused too."""
    if node.op == "RESCALE":
        return set(fused_scales(edit, node)) == {(1, 0)}
    return node.op == "IDENTITY" or (node.op == MOVE and node.layout_map.keeps_order)


def _width(edit: Editor, node: Node) -> int:
    return max((scale.bit_length() for scale, _ in fused_scales(edit, node)), default=0)
