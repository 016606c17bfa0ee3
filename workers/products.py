"""Sums of products, computed exactly by matrix products in floating point.

A floating-point type has every integer up to a limit. What cannot leave that is the same in whatever order it is added
up. Source of the operators: TOSA 1.0 specification, CONV2D, DEPTHWISE_CONV2D and MATMUL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from search_space.dtypes import integer_range
from search_space.graph import Node

_LIMITS = ((1 << 24, np.float32), (1 << 53, np.float64))

#: Operator -> dimensions of its second operand that one result is a sum over.
_SUMMED = {"CONV2D": (1, 2, 3), "DEPTHWISE_CONV2D": (0, 1), "MATMUL": (1,)}


def product(node: Node, operands: Sequence[np.ndarray]) -> np.ndarray | None:
    """What the operator makes of all its operands. None if it is no sum of products of INT8 values in INT32, or if one
    might not fit."""
    if node.op not in _SUMMED or node.type.dtype != "INT32":
        return None
    pairs = zip(operands[:2], operands[-2:], strict=True)
    left, right = (one.astype(np.int32) - zero_point.astype(np.int32) for one, zero_point in pairs)
    bias = np.zeros(1, np.int64) if node.op == "MATMUL" else operands[2].astype(np.int64)
    most = int(np.abs(left).max()) * int(np.abs(right).sum(axis=_SUMMED[node.op]).max()) + int(np.abs(bias).max())
    if most > integer_range("INT32")[1]:
        return None
    exact = next(dtype for limit, dtype in _LIMITS if most <= limit)
    left, right = left.astype(exact), right.astype(exact)
    sums = left @ right if node.op == "MATMUL" else _convolved(node, left, right) + bias.astype(exact)
    return sums.astype(np.int32)


def _convolved(node: Node, data: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """data: [N,H,W,C]; weights: as the operator takes them."""
    depthwise = node.op == "DEPTHWISE_CONV2D"
    by_place = weights if depthwise else weights.transpose(1, 2, 3, 0)  # [KH,KW,C,results]
    sums = np.zeros((prod(node.type.shape[:3]), node.type.shape[3]), data.dtype)
    for place, under in _pixels(node, data, by_place.shape[:2]):
        pixels, weight = under.reshape(-1, data.shape[3]), by_place[place]
        sums += (pixels[:, :, None] * weight).reshape(sums.shape) if depthwise else pixels @ weight
    return sums.reshape(node.type.shape)


def _pixels(node: Node, data: np.ndarray, kernel: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """The places of the kernel, each with the pixels under it, one for each result."""
    top, bottom, before, after = node.attributes["pad"]
    padded = np.pad(data, ((0, 0), (top, bottom), (before, after), (0, 0)))
    (down, across), (rows, columns) = node.attributes["dilation"], node.attributes["stride"]
    _, height, width, _ = node.type.shape
    for y, x in np.ndindex(*kernel):
        high = slice(y * down, y * down + (height - 1) * rows + 1, rows)
        wide = slice(x * across, x * across + (width - 1) * columns + 1, columns)
        yield (y, x), padded[:, high, wide]
