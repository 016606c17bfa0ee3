"""Transposed convolutions as convolutions for each phase of the output's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.uniform_constant import uniform_value
from search_space.building.convolution import MOST_ROWS, MOST_TAPS
from search_space.building.new_convolution import convolved
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, TensorType, move
from search_space.layout.constants import repeated_constant
from search_space.passes.base import Pass

#: Largest stride of the transposed convolution, which becomes as many convolutions.
_MOST_PHASES = 4


@dataclass(frozen=True)
class TransposedConvToSubpixel(Pass):
    """Computes a transposed convolution by sub-pixel convolutions.

    Source: TOSA 1.0, TRANSPOSE_CONV2D; sub-pixel convolution (Shi et al. 2016). With stride s, row s*i + r of the
    result is a convolution with every s-th kernel row. The columns of one phase are channels of one convolution. The
    rows of one phase are concatenated along the width, where the NPU writes them in place. A reshape remains.

    The RESCALE is applied to each phase: Vela 5.1 fuses it with a convolution, but not with a transposed one. Only
    where the result is exactly s times as large as the data.
    """

    name: ClassVar[str] = "transposed-conv-to-subpixel"
    law: ClassVar[str] = "every s-th row and column of a transposed convolution of stride s is a convolution"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        rescale = edit[node_id]
        if rescale.op != "RESCALE" or not edit.used_once(rescale.inputs[0]):
            return False
        node = edit[rescale.inputs[0]]
        if node.op != "TRANSPOSE_CONV2D" or not all(map(edit.is_constant, (*node.inputs[1:], *rescale.inputs[1:]))):
            return False
        data, weights = edit[node.inputs[0]].type, edit[node.inputs[1]]
        empty = uniform_value(edit, node.inputs[4])
        if data.dtype != "INT8" or weights.type.dtype != "INT8" or empty is None or node.attributes["local_bound"]:
            return False
        stride = node.attributes["stride"]
        if any(node.type.shape[d] != stride[d - 1] * data.shape[d] for d in (1, 2)) or max(stride) > _MOST_PHASES:
            return False
        top, _, left, _ = node.attributes["out_pad"]
        _, rows, columns, _ = weights.type.shape
        down = [_taps([phase], rows, stride[0], top) for phase in range(stride[0])]
        across = _taps(range(stride[1]), columns, stride[1], left)
        if any(max(one.size, across.size) > MOST_ROWS or one.size * across.size > MOST_TAPS for one in down):
            return False
        parts = tuple(self._phase(edit, node, rescale, one, across, empty) for one in down)
        result = parts[0]
        if len(parts) > 1:
            n, height, width, channels = edit[result].type.shape
            joined = TensorType((n, height, len(parts) * width, channels), rescale.type.dtype)
            result = edit.add(Node("CONCAT", parts, joined, {"axis": 2}, name=rescale.name))
        edit.redefine(node_id, move(result, edit[result].type, (Step("reshape", rescale.type.shape),), rescale.name))
        return True

    def _phase(self, edit: Editor, node: Node, rescale: Node, down: _Taps, across: _Taps, empty: int) -> int:
        """Every s-th row of the result, its columns of different phases as channels."""
        weights = edit[node.inputs[1]].array
        channels, _, _, depth = weights.shape
        phases = len(across.of_phases)
        picked = np.full((phases, channels, down.size, across.size, depth), empty, np.int8)
        for row, from_row in down.of_phases[0].items():
            for phase, taps in enumerate(across.of_phases):
                for column, from_column in taps.items():
                    picked[phase, :, row, column] = weights[:, from_row, from_column]
        bias = edit[node.inputs[2]].array
        sums = convolved(
            edit, node.inputs[0], picked.reshape(phases * channels, down.size, across.size, depth),
            np.tile(np.broadcast_to(bias, channels), phases), (node.inputs[3], node.inputs[4]),
            pad=(down.before, down.after, across.before, across.after), name=node.name,
        )  # fmt: skip
        scales = rescale.inputs[1:3]
        if rescale.attributes["per_channel"]:
            scales = tuple(repeated_constant(edit, i, phases) for i in scales)
        after = TensorType(edit[sums].type.shape, rescale.type.dtype)
        return edit.add(replace(rescale, inputs=(sums, *scales, *rescale.inputs[3:]), type=after))


@dataclass(frozen=True)
class _Taps:
    """Along one axis.

    Attributes:
        before, after: padding.
        of_phases: for each phase place in the new kernel -> in the old one.
    """

    before: int
    after: int
    of_phases: tuple[dict[int, int], ...]

    @property
    def size(self) -> int:
        return self.before + self.after + 1


def _taps(phases: Sequence[int], kernel: int, stride: int, pad: int) -> _Taps:
    """Result s*i + phase takes datum i + offset times the old kernel's phase - pad - s*offset."""
    offsets = [
        {-((at + pad - phase) // stride): at for at in range(kernel) if (at + pad - phase) % stride == 0}
        for phase in phases
    ]
    reached = [0, *(offset for one in offsets for offset in one)]
    before, after = -min(reached), max(reached)
    return _Taps(before, after, tuple({offset + before: at for offset, at in one.items()} for one in offsets))
