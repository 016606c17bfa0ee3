"""Sums of products, computed exactly by matrix products in floating point.

A floating-point type has every integer up to a limit. What cannot leave that is the same in whatever order it is added
up. Source of the operators: TOSA 1.0 specification, CONV2D, DEPTHWISE_CONV2D and MATMUL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from search_space.ir.dtypes import integer_range
from search_space.ir.graph import Node

_LIMITS = ((1 << 24, np.float32), (1 << 53, np.float64))

#: Operator -> dimensions of its second operand that one result is a sum over.
_SUMMED = {"CONV2D": (1, 2, 3), "DEPTHWISE_CONV2D": (0, 1), "MATMUL": (1,)}


def product(node: Node, operands: Sequence[np.ndarray]) -> np.ndarray | None:
    """What the operator makes of all its operands.

    Args:
        node: the operator.
        operands: values of all operands, `[S, ...]` as in `workers.checking.numpy_operators`.

    Returns:
        `[S, ...]`, int32 for INT32 and int64 for INT48. None if it is no sum of products. These are of INT8 values in
        INT32, or of INT16 and others in INT48. None also if a sum might not fit.
    """
    if node.op not in _SUMMED or node.type.dtype not in ("INT32", "INT48"):
        return None
    pairs = zip(operands[:2], operands[-2:], strict=True)
    left, right = (one.astype(np.int32) - zero_point.astype(np.int32).item() for one, zero_point in pairs)
    bias = np.zeros((1, 1), np.int64) if node.op == "MATMUL" else operands[2].astype(np.int64)
    summed = np.abs(right).sum(axis=tuple(1 + d for d in _SUMMED[node.op]), dtype=np.int64)
    largest = _largest(np.abs(left)) * _largest(summed)
    most = int(largest.max()) + int(np.abs(bias).max())
    if most > integer_range(node.type.dtype)[1]:
        return None
    exact = next(dtype for limit, dtype in _LIMITS if most <= limit)
    left, right = left.astype(exact), right.astype(exact)
    if node.op == "MATMUL":
        sums = left @ right
    else:
        sums = _convolved(node, left, right) + bias.astype(exact).reshape(len(bias), 1, 1, 1, -1)
    return sums.astype(np.int32 if node.type.dtype == "INT32" else np.int64)


def _largest(values: np.ndarray) -> np.ndarray:
    """Of each set."""
    return values.reshape(len(values), -1).max(axis=1).astype(np.int64)


def _convolved(node: Node, data: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """data: [sets,N,H,W,C]; weights: as the operator takes them, for all sets or for each."""
    if len(weights) > 1:
        each = np.broadcast_to(data, (len(weights), *data.shape[1:]))
        return np.concatenate([_convolved(node, each[i : i + 1], weights[i : i + 1]) for i in range(len(weights))])
    depthwise = node.op == "DEPTHWISE_CONV2D"
    by_place = weights[0] if depthwise else weights[0].transpose(1, 2, 3, 0)  # [KH,KW,C,results]
    sums = np.zeros((len(data) * prod(node.type.shape[:3]), node.type.shape[3]), data.dtype)
    for place, under in _pixels(node, data.reshape(-1, *data.shape[2:]), by_place.shape[:2]):
        pixels, weight = under.reshape(-1, data.shape[4]), by_place[place]
        sums += (pixels[:, :, None] * weight).reshape(sums.shape) if depthwise else pixels @ weight
    return sums.reshape(len(data), *node.type.shape)


def _pixels(node: Node, data: np.ndarray, kernel: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """The places of the kernel, each with the pixels under it, one for each result."""
    top, bottom, before, after = node.attributes["pad"]
    padded = np.pad(data, ((0, 0), (top, bottom), (before, after), (0, 0))) if any(node.attributes["pad"]) else data
    (down, across), (rows, columns) = node.attributes["dilation"], node.attributes["stride"]
    _, height, width, _ = node.type.shape
    for y, x in np.ndindex(*kernel):
        high = slice(y * down, y * down + (height - 1) * rows + 1, rows)
        wide = slice(x * across, x * across + (width - 1) * columns + 1, columns)
        yield (y, x), padded[:, high, wide]
