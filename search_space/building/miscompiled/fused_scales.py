"""Scales of a RESCALE as Vela fuses them to the operation before it."""

from __future__ import annotations

from search_space.ir.editor import Editor
from search_space.ir.graph import Node

#: Double rounding with a larger shift depends on the multiplier as it is written.
_MOST_REDUCED_SHIFT = 31


def fused_scales(edit: Editor, node: Node) -> list[tuple[int, int]]:
    """Read multipliers and shifts, divided by common powers of two.

    Source: `ReduceScales` in regor's compiler/graphir_optimiser.cpp.

    Args:
        edit: the graph under change.
        node: the RESCALE.

    Returns:
        (multiplier, shift) for each channel, or for all of them. Empty if they are no constants.
    """
    if not all(map(edit.is_constant, node.inputs[1:3])):
        return []
    scales, shifts = (edit[i].array.ravel().tolist() for i in node.inputs[1:3])
    double = node.attributes["rounding_mode"] == "DOUBLE_ROUND"
    return [_reduced(scale, shift, double) for scale, shift in zip(scales, shifts, strict=True)]


def _reduced(scale: int, shift: int, double: bool) -> tuple[int, int]:
    if double and shift > _MOST_REDUCED_SHIFT:
        return scale, shift
    while scale > 1 and scale % 2 == 0 and shift > 0:
        scale, shift = scale // 2, shift - 1
    return scale, shift
