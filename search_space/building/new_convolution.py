"""Convolutions that a rewrite makes."""

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
    """The id of a new CONV2D of int8 data with INT32 sums. Source: TOSA 1.0, CONV2D.

    weights: int8 [OC,KH,KW,IC]. bias: int32 [OC]. zero_points: ids, of data and weights; zero unless given.
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
    """The id of a new DEPTHWISE_CONV2D of int8 data with INT32 sums. Source: TOSA 1.0.

    weights: int8 [KH,KW,C,M]. bias: int32 [C*M]. zero_points: ids, of data and weights; zero unless given.
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
