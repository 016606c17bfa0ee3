"""What lowering choices that give a convolution another shape have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from search_space.dtypes import IMMOVABLE
from search_space.editor import Editor
from search_space.graph import CONST, Node, TensorType
from search_space.layout_map import Shape

#: Operator -> the first of the two kernel dimensions in its weights (TOSA 1.0: OHWI, and HWCM for depthwise).
KERNEL_AXIS = {"CONV2D": 1, "DEPTHWISE_CONV2D": 0}


def kernel_size(edit: Editor, node: Node) -> Shape | None:
    """Height and width of a convolution's kernel; None if its weights are not constant."""
    axis, weights = KERNEL_AXIS.get(node.op), edit[node.inputs[1]] if len(node.inputs) > 1 else None
    if axis is None or weights is None or weights.op != CONST:
        return None
    return weights.type.shape[axis : axis + 2]


def pointwise(edit: Editor, node: Node) -> bool:
    """Whether a CONV2D has a kernel of one pixel and does nothing else with pixels."""
    one_pixel = node.op == "CONV2D" and edit[node.inputs[1]].type.shape[1:3] == (1, 1)
    return one_pixel and node.attributes["stride"] == (1, 1) and not any(node.attributes["pad"])


def only_rescale(edit: Editor, node_id: int) -> int | None:
    """The RESCALE that alone reads the convolution. Vela fuses it into it; the way back to the old shape must not come
    between them."""
    reader = edit.users(node_id)[0] if edit.used_once(node_id) else None
    return reader if reader is not None and edit[reader].op == "RESCALE" else None


def result_of(edit: Editor, node_id: int) -> int | None:
    """What is moved back if a convolution gets another shape: its RESCALE's result, or its own; None if that is of a
    type that cannot be moved."""
    rescale = only_rescale(edit, node_id)
    if rescale is not None:
        return rescale
    return None if edit[node_id].type.dtype in IMMOVABLE else node_id


def reshaped(edit: Editor, node_id: int, result: int, node: Node, shape: Shape) -> int:
    """The id of the convolution as `node` gives it, in this shape, with the RESCALE that `result` is, if it is one."""
    last = edit.add(replace(node, type=TensorType(shape, node.type.dtype)))
    if result == node_id:
        return last
    rescale = edit[result]
    inputs = (last, *rescale.inputs[1:])
    return edit.add(replace(rescale, inputs=inputs, type=TensorType(shape, rescale.type.dtype)))


def padded(edit: Editor, value: int, padding: Sequence[tuple[int, int]], zero_point: int) -> int | None:
    """The id of the value with so many elements before and after, along each dimension, as its zero point (an id) says;
    None if that is no constant of its type."""
    node, constant = edit[value], edit[zero_point]
    if not any(map(any, padding)):
        return value
    if constant.op != CONST or constant.type.dtype != node.type.dtype:
        return None
    shape = tuple(before + size + after for size, (before, after) in zip(node.type.shape, padding, strict=True))
    attributes = {"padding": tuple(count for pair in padding for count in pair)}
    return edit.add(Node("PAD", (value, zero_point), TensorType(shape, node.type.dtype), attributes, name=node.name))
"""Convolutions that a rewrite makes."""

from __future__ import annotations

import numpy as np

from search_space.editor import Editor
from search_space.graph import Node, TensorType, constant
from search_space.layout_map import Shape

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


def depthwise_convolved(edit: Editor, data: int, weights: np.ndarray, bias: np.ndarray, name: str = "") -> int:
    """The id of a new DEPTHWISE_CONV2D of int8 data, zero points 0, with INT32 sums. Source: TOSA 1.0.

    weights: int8 [KH,KW,C,M]. bias: int32 [C*M].
    """
    *kernel, channels, times = weights.shape
    return _convolved(
        edit, "DEPTHWISE_CONV2D", data, weights, bias, (*kernel, channels * times), None, UNPADDED, (1, 1), name
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


def narrowed(edit: Editor, sums: int, name: str = "") -> int:
    """The id of int8 sums that fit: RESCALE by one. Source: TOSA 1.0, RESCALE; multiplier 2^30 and shift 30 are one."""
    parameters = (np.array([1 << 30], np.int32), np.array([30], np.int8), np.zeros(1, np.int32), np.zeros(1, np.int8))
    inputs = (sums, *(edit.add(constant(one)) for one in parameters))
    attributes = {
        "scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": False, "input_unsigned": False,
        "output_unsigned": False,
    }  # fmt: skip
    return edit.add(Node("RESCALE", inputs, TensorType(edit[sums].type.shape, "INT8"), attributes, name=name))
