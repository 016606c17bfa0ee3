"""Sums, counts and extremes of what a pool's window sees."""

from __future__ import annotations

import numpy as np

from workers.ethos_u.command_stream import FeatureMap, Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.operations.rounding import scaled
from workers.ethos_u.npu_model.operations.windows import folded, padded


def sum_type(ifm: FeatureMap) -> type[np.signedinteger]:
    """A type that holds any sum of a window's elements without their zero points.

    A kernel has at most 2^16 of them. Smaller types are faster.
    """
    return np.int32 if ifm.element_bytes == 1 else np.int64


def window_sum(operation: Operation, values: np.ndarray) -> np.ndarray:
    """The sum of every window, padding counting as 0.

    Args:
        operation: a pool.
        values: `[S, H, W, C]` without zero points, of the `sum_type`.

    Returns:
        `[S, OFM height, OFM width, C]` of that type.
    """
    return folded(operation, padded(operation, values, 0), np.add)


def depth_sum(operation: Operation, values: np.ndarray) -> np.ndarray:
    """The sum of all channels.

    Args:
        operation: a REDUCE_SUM.
        values: `[S, H, W, C]` without zero points, of the `sum_type`.

    Returns:
        int64 `[S, H, W, 1]`.

    Raises:
        Unmodelled: it has a kernel or upscaling.
    """
    kernel = operation.kernel
    assert kernel is not None
    if (kernel.width, kernel.height) != (1, 1) or operation.upscale != "NONE":
        raise Unmodelled("a REDUCE_SUM with a kernel or upscaling is not modelled")
    return padded(operation, values, 0).sum(axis=3, keepdims=True, dtype=np.int64)


def window_extreme(operation: Operation, values: np.ndarray, function: np.ufunc) -> np.ndarray:
    """The least or largest value of every window, padding left out.

    Args:
        operation: a pool.
        values: `[S, H, W, C]` of a type that is wider than the IFM's.
        function: `np.minimum` or `np.maximum`.

    Returns:
        `[S, OFM height, OFM width, C]` of that type, with its other end where a window holds nothing but padding.

    Raises:
        Unmodelled: its IFM is upscaled with zeros.
    """
    if operation.upscale == "ZEROS":
        raise Unmodelled("an extreme of an IFM upscaled with zeros is not modelled")
    return folded(operation, padded(operation, values, _nothing(function, values.dtype)), function)


def found(extremes: np.ndarray, function: np.ufunc) -> np.ndarray:
    """The extremes of all windows, unchanged.

    Args:
        extremes: `[S, H, W, C]`, as `window_extreme` gives them.
        function: `np.minimum` or `np.maximum`.

    Returns:
        `extremes`.

    Raises:
        Fault: a window held nothing but padding.
    """
    if np.any(extremes == _nothing(function, extremes.dtype)):
        raise Fault("a pool's window holds nothing but padding")
    return extremes


def _nothing(function: np.ufunc, dtype: np.dtype) -> int:
    """The extreme of no values at all."""
    ends = np.iinfo(dtype)
    return int(ends.min if function is np.maximum else ends.max)


def average(operation: Operation, sums: np.ndarray, height: int, width: int) -> np.ndarray:
    """Every window's sum divided by the number of its elements that are no padding.

    The law is TOSA's AVG_POOL2D, with its reciprocal_scale. Let n be the number of elements and k the least with
    `2**k >= n`. The multiplier is `((2**30 + 1) << k) / n`, rounded down, and the shift 30 + k. Halves go away from
    zero. The divisor that Vela puts into OFM_SCALE for pools without padding gives the same (`QuantizePoolingScale`).

    Args:
        operation: a pool.
        sums: as `window_sum` returns them.
        height, width: of its IFM.

    Returns:
        int64 of the same shape.

    Raises:
        Fault: a window holds nothing but padding.
    """
    if operation.upscale != "NONE":
        raise Unmodelled("an average that counts elements of an upscaled IFM is not modelled")
    present = folded(operation, padded(operation, np.ones((1, height, width, 1), np.int64), 0), np.add)
    if not present.all():
        raise Fault("a pool's window holds nothing but padding")
    # The exponent of n - 1 in double precision is its bit length, which is k.
    bits = np.frexp((present - 1).astype(np.float64))[1].astype(np.int64)
    return scaled(sums, (((1 << 30) + 1) << bits) // present, 30 + bits, "NATURAL")
