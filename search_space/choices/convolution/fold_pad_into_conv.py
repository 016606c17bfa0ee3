"""Folding of PAD into a convolution's own padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.analysis.kernels import KERNEL_AXIS
from search_space.building.convolution import MOST_STRIDE
from search_space.building.folded_pad import with_folded_pad
from search_space.ir.editor import Editor
from search_space.passes.base import Pass


@dataclass(frozen=True)
class FoldPadIntoConv(Pass):
    """Folds a PAD with the input's zero point into the convolution that reads it.

    Source: TOSA 1.0, CONV2D and DEPTHWISE_CONV2D pad with the zero point of their input. ExecuTorch keeps the PAD of a
    causal or TensorFlow-like convolution as an operator. Vela 5.1 copies the data for it.

    There may be a layout transform between the two. The PAD stays for its other users.
    """

    name: ClassVar[str] = "fold-pad-into-conv"
    law: ClassVar[str] = "a PAD with the input's zero point before a convolution is the convolution's own padding"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        # Of a larger stride Vela makes an operation for each position; for Ethos-U55 it refuses that if it pads.
        if node.op not in KERNEL_AXIS or max(node.attributes["stride"]) > MOST_STRIDE:
            return False
        padded = with_folded_pad(edit, node)
        if padded is None:
            return False
        edit.redefine(node_id, padded)
        return True
