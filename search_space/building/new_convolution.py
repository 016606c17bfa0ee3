"""Builders of convolutions."""

from __future__ import annotations

import numpy as np

from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType, constant
from search_space.ir.layout_map import Shape

#: No padding: rows above and below, columns left and right.
UNPADDED = (0, 0, 0, 0)


def convolved(
    edit: Editor,
    data: int,
    weights: np.ndarray,
    bias: np.ndarray,
    zero_points: tuple[int, int] | None = None,
    pad: Shape = UNPADDED,
    stride: tuple[int, int] = (1, 1),
    name: str = "",
) -> int:
    """Add a CONV2D of int8 data with INT32 results.

    Source: TOSA 1.0, CONV2D.

    Args:
        edit: the graph under change.
        data: id of the data, int8 [N,H,W,IC].
        weights: int8 [OC,KH,KW,IC].
        bias: int32 [OC].
        zero_points: ids of the zero points of data and weights; None for 0.
        pad: rows above and below, columns left and right.
        stride: (height, width).
        name: name of the node, for people.

    Returns:
        The id of the result, INT32 [N,OH,OW,OC].
    """
    channels, *kernel, _ = weights.shape
    return _convolved(edit, "CONV2D", data, weights, bias, (*kernel, channels), zero_points, pad, stride, name)


def depthwise_convolved(
    edit: Editor,
    data: int,
    weights: np.ndarray,
    bias: np.ndarray,
    zero_points: tuple[int, int] | None = None,
    stride: tuple[int, int] = (1, 1),
    name: str = "",
) -> int:
    """Add a DEPTHWISE_CONV2D of int8 data with INT32 results and no padding.

    Source: TOSA 1.0, DEPTHWISE_CONV2D.

    Args:
        edit: the graph under change.
        data: id of the data, int8 [N,H,W,C].
        weights: int8 [KH,KW,C,M].
        bias: int32 [C*M].
        zero_points: ids of the zero points of data and weights; None for 0.
        stride: (height, width).
        name: name of the node, for people.

    Returns:
        The id of the result, INT32 [N,OH,OW,C*M].
    """
    *kernel, channels, times = weights.shape
    return _convolved(
        edit, "DEPTHWISE_CONV2D", data, weights, bias, (*kernel, channels * times), zero_points, UNPADDED, stride, name
    )


def _convolved(
    edit: Editor, op: str, data: int, weights: np.ndarray, bias: np.ndarray, window: Shape,
    zero_points: tuple[int, int] | None, pad: Shape, stride: Shape, name: str,
) -> int:  # fmt: skip
    """window: height and width of the kernel, and the channels of the result."""
    batch, *size, _ = edit[data].type.shape
    if zero_points is None:
        zero = edit.add(constant(np.zeros(1, np.int8)))
        zero_points = zero, zero
    height, width = (
        (size[at] + pad[2 * at] + pad[2 * at + 1] - window[at]) // stride[at] + 1 for at in (0, 1)
    )  # fmt: skip
    attributes = {"pad": pad, "stride": stride, "dilation": (1, 1), "local_bound": False, "acc_type": "INT32"}
    inputs = (data, edit.add(constant(weights)), edit.add(constant(bias)), *zero_points)
    return edit.add(Node(op, inputs, TensorType((batch, height, width, window[2]), "INT32"), attributes, name=name))
