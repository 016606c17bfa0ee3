"""The axis along which the 1-D convolutions of a program run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.building.flat_convolution import is_one_dimensional, swap_axes
from search_space.choices.base import Choice
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph


class Conv1d(Choice):
    """A convolution with its RESCALE, where data and kernel both have height 1 (or width 1).

    The NPU's blocks are not square, so one orientation can fill them better than the other.
    """

    name: ClassVar[str] = "conv1d"
    alternatives: ClassVar[Mapping[str, str]] = {
        "along-h": "time runs along the height: N1TC is the same data as NT1C, a 1xK kernel the same as Kx1",
        "along-w": "time runs along the width: NT1C is the same data as N1TC, a Kx1 kernel the same as 1xK",
    }

    def apply(self, graph: Graph, alternative: str) -> Graph:
        flat = 1 if alternative == "along-h" else 2
        edit = Editor(graph)
        for node_id, node in graph.operators():
            if is_one_dimensional(edit, node, flat):
                swap_axes(edit, node_id)
        return edit.finish()
