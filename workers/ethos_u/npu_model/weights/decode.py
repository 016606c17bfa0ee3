"""Weights, biases and scales of an operation, from the bytes that its registers point to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.weights import codec, fast_decoder, scales
from workers.ethos_u.npu_model.weights.geometry import cores_of, geometry_u55, geometry_u85, ublock_depth_u85
from workers.ethos_u.npu_model.weights.order_u55 import GeometryU55
from workers.ethos_u.npu_model.weights.order_u85 import GeometryU85
from workers.ethos_u.npu_model.weights.scales import ChannelScales, channel_scales

_SPARSE_GROUP, _SPARSE_NONZERO = 4, 2


def decode_weights(operation: Operation, accelerator_name: str, streams: Sequence[bytes]) -> np.ndarray:
    """The weights of a convolution.

    Args:
        operation: a convolution or depthwise convolution whose weights are encoded.
        accelerator_name: as in `Decoded.accelerator`.
        streams: the bytes of `operation.weights`, in that order.

    Returns:
        int16 `[OFM depth, kernel height, kernel width, IFM depth]`, zero points subtracted; of a depthwise convolution
        the IFM depth is 1. Where the operation computes some of a layer's channels only, so do they.

    Raises:
        Fault: a stream is damaged, its number of weights is wrong, or a weight is outside the tensor.
        Unmodelled: the operation needs weights in an order or format that is not known.
        StreamError: a register that says how they are encoded is not set.
    """
    with _named("weights", operation):
        if operation.family != "ethos-u85":
            return _decode(geometry_u55(operation, accelerator_name), codec.decode, streams)
        fast = operation.registers.choice("WEIGHT_FORMAT") == "FWD"
        geometry = geometry_u85(operation, accelerator_name, fast)
        return _decode(geometry, fast_decoder.decode if fast else codec.decode, streams, geometry.sparse)


def decode_scales(operation: Operation, accelerator_name: str, streams: Sequence[bytes]) -> ChannelScales:
    """Biases and scales of an operation that has one of each per channel.

    Args:
        operation: one with `scales`.
        accelerator_name: as in `Decoded.accelerator`.
        streams: the bytes of `operation.scales`, in that order.

    Returns:
        int64 `[OFM depth]` each.

    Raises:
        Fault: a stream is too short.
        Unmodelled: bits are set that have no known meaning.
        StreamError: a register that says how they are encoded is not set.
    """
    ofm = operation.ofm
    assert ofm is not None
    with _named("scales", operation):
        channels = ofm.shape[2]
        if operation.family != "ethos-u85":
            needed = min(cores_of(operation, accelerator_name), channels)
            layout, multiple = scales.U55, 1
        else:
            # `EthosU85ScaleSource::SetSource`: entries for 16 channels at a time, or for a microblock's.
            needed, multiple = 1, max(16, ublock_depth_u85(operation, accelerator_name))
            layout = scales.U85[operation.registers.choice("ACC_FORMAT")]
        if len(streams) != needed:
            raise Fault(f"there are {len(streams)} streams, {needed} are needed")
        return channel_scales(streams, channels, layout, multiple)


@contextmanager
def _named(what: str, operation: Operation) -> Iterator[None]:
    """Say in an error's message whose it is."""
    try:
        yield
    except (Fault, Unmodelled) as error:
        raise type(error)(f"{what} of the operation at offset {operation.offset:#x}: {error}") from None


def _decode(
    geometry: GeometryU55 | GeometryU85,
    decode: Callable[[bytes, int], np.ndarray],
    streams: Sequence[bytes],
    sparse: bool = False,
) -> np.ndarray:
    lengths = geometry.lengths
    if len(streams) != len(lengths):
        raise Fault(f"there are {len(streams)} streams, {len(lengths)} are needed")
    contents = np.concatenate([decode(stream, length) for stream, length in zip(streams, lengths, strict=True)])
    if sparse and (np.count_nonzero(contents.reshape(-1, _SPARSE_GROUP), axis=1) > _SPARSE_NONZERO).any():
        raise Fault("more than 2 of 4 weights are not zero, in a format for 2 of 4")
    weights = contents[geometry.positions]
    if np.count_nonzero(weights) != np.count_nonzero(contents):
        raise Fault("a weight outside the tensor is not zero")
    return weights
