"""The kernels of convolutions, as far as they are constant."""

from __future__ import annotations

import numpy as np

from search_space.ir.dtypes import NUMPY
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Node
from search_space.ir.layout_map import Shape

#: Operator -> the first of the two kernel dimensions in its weights (TOSA 1.0: OHWI, and HWCM for depthwise).
KERNEL_AXIS = {"CONV2D": 1, "DEPTHWISE_CONV2D": 0}


def kernel_size(edit: Editor, node: Node) -> Shape | None:
    """Height and width of a convolution's kernel.

    Args:
        edit: the graph under change.
        node: any operator.

    Returns:
        (height, width), or None if the node is no CONV2D or DEPTHWISE_CONV2D with constant weights.
    """
    axis, weights = KERNEL_AXIS.get(node.op), edit[node.inputs[1]] if len(node.inputs) > 1 else None
    if axis is None or weights is None or weights.op != CONST:
        return None
    return weights.type.shape[axis : axis + 2]


def dense_weights(edit: Editor, node: Node) -> np.ndarray | None:
    """The weights of a convolution in the form of a CONV2D's.

    Source: TOSA 1.0. A DEPTHWISE_CONV2D of one channel gives M results in the order of its weights [KH,KW,1,M].

    Args:
        edit: the graph under change.
        node: any operator.

    Returns:
        An array [OC,KH,KW,IC]. None if the weights are not constant, or the node is no convolution over all its input
        channels.
    """
    if node.op not in ("CONV2D", "DEPTHWISE_CONV2D"):
        return None
    weights = edit[node.inputs[1]]
    if weights.op != CONST or weights.type.dtype not in NUMPY:
        return None
    if node.op == "CONV2D":
        return weights.array
    return weights.array.transpose(3, 0, 1, 2) if weights.type.shape[2] == 1 else None


def pointwise(edit: Editor, node: Node) -> bool:
    """Whether a node is a CONV2D with a 1x1 kernel, stride 1 and no padding.

    Args:
        edit: the graph under change.
        node: any operator.

    Returns:
        True if it is.
    """
    one_pixel = node.op == "CONV2D" and edit[node.inputs[1]].type.shape[1:3] == (1, 1)
    return one_pixel and node.attributes["stride"] == (1, 1) and not any(node.attributes["pad"])
