"""Maxima and minima over the channels by halves."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from search_space.building.convolution import MOST_WIDTH
from search_space.building.rescale_by_one import rescaled_by_one
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, TensorType, move
from search_space.ir.layout_map import Shape
from search_space.passes.base import Pass

_BY_HALVES = {"REDUCE_MAX": "MAXIMUM", "REDUCE_MIN": "MINIMUM"}


@dataclass(frozen=True)
class TreeReduceMax(Pass):
    """Reduces the channels by halves with MAXIMUM or MINIMUM.

    Source: Vela 5.1 does REDUCE_MAX over channels as a MAX_POOL2D of one channel. The NPU fills a brick of 16 for it.
    It reads halves of the channels in place. MAXIMUM is for INT32 in TOSA 1.0; between two RESCALE by one it is an int8
    operation. Halves of an odd number share the channel in the middle.
    """

    name: ClassVar[str] = "tree-reduce-max"
    law: ClassVar[str] = "the maximum of C channels is the maximum of the elementwise maximum of both halves"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        operator = _BY_HALVES.get(node.op)
        source = edit[node.inputs[0]].type if node.inputs else None
        if operator is None or source is None or source.dtype != "INT8":
            return False
        if node.attributes["axis"] != len(source.shape) - 1 or source.shape[-1] < 2:
            return False
        *before, channels = source.shape
        # A batch is an operation for each of its images; what is no batch stays as it is, and is read in place.
        if len(before) > 3 or prod(before[:-2]) > 1:
            before = [1, prod(before)]
        if prod(before) > MOST_WIDTH:
            return False
        value = node.inputs[0]
        if source.shape != (*before, channels):
            value = edit.add(move(value, source, (Step("reshape", (*before, channels)),)))
        while channels > 1:
            half = (channels + 1) // 2
            parts = tuple(_part(edit, value, start, (*before, half)) for start in (0, channels - half))
            larger = Node(operator, parts, TensorType((*before, half), "INT32"), {"nan_mode": "PROPAGATE"})
            value = rescaled_by_one(edit, edit.add(larger), "INT8")
            channels = half
        if edit[value].type == node.type:
            edit.replace_uses(node_id, value)
        else:
            edit.redefine(node_id, move(value, edit[value].type, (Step("reshape", node.type.shape),), node.name))
        return True


def _part(edit: Editor, value: int, start: int, shape: Shape) -> int:
    """Some of the channels, as INT32."""
    attributes = {"start": (*(0 for _ in shape[1:]), start), "size": shape}
    return rescaled_by_one(edit, edit.add(Node("SLICE", (value,), TensorType(shape, "INT8"), attributes)), "INT32")
