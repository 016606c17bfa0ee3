"""Convolutions, depthwise convolutions and matrix products.

Sums are computed by matrix products in floating point where that is exact. A type has every integer up to a limit. A
sum that cannot leave these is the same in whatever order it is added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.cache.lru import LRU
from workers.ethos_u.command_stream import Kind, Operation
from workers.ethos_u.npu_model.errors import Fault
from workers.ethos_u.npu_model.operations.accumulators import accumulated, writes_result
from workers.ethos_u.npu_model.operations.rounding import scaled
from workers.ethos_u.npu_model.operations.windows import padded, taps
from workers.ethos_u.npu_model.weights import ChannelScales, decode_scales, decode_weights

#: A value of a type up to which it has every integer.
_EXACT_UP_TO = ((1 << 24, np.float32), (1 << 53, np.float64))

#: Bytes of decoded weights that are kept: candidates of one model have most of their layers in common.
_KEPT_BYTES = 256 << 20
_SMALL_DEPTH = 16


@dataclass(frozen=True)
class _Weights:
    """Decoded weights.

    Attributes:
        tensor: `[kernel height, kernel width, IFM depth, OFM depth]` (depthwise: IFM depth 1), float32.
        largest_sum: the largest sum of magnitudes over what one result is a sum of.
    """

    tensor: np.ndarray
    largest_sum: int


_kept: LRU[_Weights] = LRU(_KEPT_BYTES, size=lambda one: one.tensor.nbytes)


def convolution(
    operation: Operation, accelerator: str, ifm: np.ndarray, ifm2: np.ndarray | None,
    weights: Sequence[bytes], scales: Sequence[bytes], kept: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """What a convolution, depthwise convolution or matrix product computes, before the output stage.

    A result is (sum of (IFM - zero point) * weight + bias) * scale / 2^shift, rounded.

    The IFM's padding counts as its zero point.

    Args:
        operation: its kind is convolution or depthwise convolution.
        accelerator: the NPU's name.
        ifm: `[S, H, W, C]` as stored.
        ifm2: of a matrix product the weights, `[S, 1, OFM depth, C]`, or what accumulators start from, `[S, H, W, OFM
            depth]`; else None.
        weights, scales: encoded, one for each core that has any.
        kept: what the operation before returned, if accumulators start from it (KEEP).

    Returns:
        `[S, H, W, OFM depth]` int64, without the OFM's zero point. If the operation writes no result, its accumulators,
        for the next one (`workers.ethos_u.npu_model.operations.accumulators`).

    Raises:
        Unmodelled: a mode is not known.
        Fault: an accumulator overflows, or the streams do not have what the operation needs.
    """
    ofm = operation.ofm
    assert ofm is not None
    sums: np.ndarray
    if operation.weights_from_ifm2:
        assert ifm2 is not None
        sums = _matrix_product(operation, ifm, ifm2)
    else:
        sums = _convolved(operation, accelerator, ifm, weights)
    if not writes_result(operation):
        return accumulated(operation, sums, ifm2, kept)
    channels = None
    if operation.scale_mode == "PER_CHANNEL":
        channels = decode_scales(operation, accelerator, scales)
        sums = sums + channels.bias
    return _scaled(operation, accumulated(operation, sums, ifm2, kept), channels)


def _scaled(operation: Operation, sums: np.ndarray, channels: ChannelScales | None) -> np.ndarray:
    assert operation.rounding is not None
    if channels is not None:
        return scaled(sums, channels.scale, channels.shift, operation.rounding)
    number = operation.registers.number
    return scaled(sums, number("OFM_SCALE", "scale"), number("OFM_SCALE", "shift"), operation.rounding)


def _matrix_product(operation: Operation, ifm: np.ndarray, ifm2: np.ndarray) -> np.ndarray:
    assert operation.ifm is not None and operation.ifm2 is not None
    left = ifm.astype(np.int32) - operation.ifm.zero_point
    right = ifm2.astype(np.int32) - operation.ifm2.zero_point
    most = left.shape[-1] * int(np.abs(left).max(initial=0)) * int(np.abs(right).max(initial=0))
    dtype = _exact(most, operation)
    sets, height, width, depth = left.shape
    rows = left.reshape(sets, height * width, depth).astype(dtype, copy=False)
    columns = right.reshape(len(right), -1, depth).astype(dtype, copy=False)
    return (rows @ columns.transpose(0, 2, 1)).reshape(-1, height, width, columns.shape[1]).astype(np.int64)


def _convolved(operation: Operation, accelerator: str, ifm: np.ndarray, streams: Sequence[bytes]) -> np.ndarray:
    assert operation.ifm is not None
    weights = _weights(operation, accelerator, streams)
    zero_point = operation.ifm.zero_point
    largest = max(abs(int(ifm.max()) - zero_point), abs(int(ifm.min()) - zero_point))
    dtype = _exact(weights.largest_sum * largest, operation)
    seen = padded(operation, np.subtract(ifm, zero_point, dtype=dtype, casting="unsafe"), 0)
    tensor = weights.tensor.astype(dtype, copy=False)
    combine = _depthwise if operation.kind is Kind.DEPTHWISE else _full
    sums = combine(tensor, list(taps(operation, seen)))
    return sums.astype(np.int64)


def _full(tensor: np.ndarray, under: Sequence[np.ndarray]) -> np.ndarray:
    depth, results = tensor.shape[2:]
    by_tap = tensor.reshape(-1, depth, results)
    if depth < _SMALL_DEPTH and len(under) > 1:
        # One product for all taps: products of few columns are slow.
        columns = np.concatenate(under, axis=3)
        sums: np.ndarray = columns.reshape(-1, columns.shape[3]) @ by_tap.reshape(-1, results)
    else:
        sums = under[0].reshape(-1, depth) @ by_tap[0]
        for values, weights in zip(under[1:], by_tap[1:], strict=True):
            sums += values.reshape(-1, depth) @ weights
    return sums.reshape(*under[0].shape[:3], results)


def _depthwise(tensor: np.ndarray, under: Sequence[np.ndarray]) -> np.ndarray:
    results = tensor.shape[3]
    multiplier = results // under[0].shape[3]
    by_tap = tensor.reshape(-1, results)
    sums = np.zeros((*under[0].shape[:3], results), tensor.dtype)
    for values, weights in zip(under, by_tap, strict=True):
        sums += (np.repeat(values, multiplier, axis=3) if multiplier > 1 else values) * weights
    return sums


def _weights(operation: Operation, accelerator: str, streams: Sequence[bytes]) -> _Weights:
    def decoded() -> _Weights:
        tensor = decode_weights(operation, accelerator, streams).transpose(1, 2, 3, 0)
        axes = (0, 1, 2)
        largest = int(np.abs(tensor.astype(np.int64)).sum(axis=axes).max(initial=0))
        return _Weights(np.ascontiguousarray(tensor, np.float32), largest)

    assert operation.ifm is not None and operation.ofm is not None
    geometry = (
        accelerator, operation.kind, operation.kernel, operation.ifm.shape[2], operation.ifm.element_bytes,
        operation.ofm.shape[2], operation.block, operation.traversal, operation.microblock, operation.weight_format,
    )  # fmt: skip
    return _kept.find((geometry, tuple(streams)), decoded)


def _exact(most: int, operation: Operation) -> type[np.floating]:
    for limit, dtype in _EXACT_UP_TO:
        if most <= limit:
            return dtype
    raise Fault(f"sums of up to {most} at offset {operation.offset:#x}")
