"""Weights, biases and scales of an operation, from the bytes that its registers point to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from workers.command_stream import Kind, Operation
from workers.npu_model.errors import Fault, Unmodelled
from workers.npu_model.weights import codec, fast_decoder, scales
from workers.npu_model.weights.order import Order
from workers.npu_model.weights.order_u55 import GeometryU55, order_u55
from workers.npu_model.weights.order_u85 import GeometryU85, order_u85
from workers.npu_model.weights.scales import ChannelScales, channel_scales

_U85_CORES = {"ethos-u85-512": 2, "ethos-u85-1024": 4, "ethos-u85-2048": 4}
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
        Fault: a stream is damaged, has too few or too many weights, or has a weight outside the tensor.
        Unmodelled: the operation needs weights in an order or format that is not known.
        StreamError: a register that says how they are encoded is not set.
    """
    with _named("weights", operation):
        fast, sparse = False, False
        if operation.family == "ethos-u85":
            fast = operation.registers.choice("WEIGHT_FORMAT") == "FWD"
            sparse = operation.registers.choice("WEIGHT_FORMAT", "weight_sparsity") == "SPARSE_2_4"
            order = order_u85(_geometry_u85(operation, accelerator_name, fast, sparse))
        else:
            order = order_u55(_geometry_u55(operation, accelerator_name))
        return _in_order(order, streams, fast, sparse)


def decode_scales(operation: Operation, accelerator_name: str, streams: Sequence[bytes]) -> ChannelScales:
    """Biases and scales of an operation that has one of each per channel.

    Args:
        operation: one with `scales`.
        accelerator_name: as in `Decoded.accelerator`.
        streams: the bytes of `operation.scales`, in that order.

    Raises:
        Fault: a stream is too short.
        Unmodelled: bits are set that have no known meaning.
        StreamError: a register that says how they are encoded is not set.
    """
    ofm = operation.ofm
    assert ofm is not None
    with _named("scales", operation):
        channels = ofm.shape[2]
        cores = min(2 if accelerator_name == "ethos-u65-512" else 1, channels)
        if len(streams) != cores:
            raise Fault(f"there are {len(streams)} streams, {cores} are needed")
        if operation.family != "ethos-u85":
            return channel_scales(streams, channels, scales.U55, 1)
        # `EthosU85ScaleSource::SetSource`: the NPU reads the scales of 16 channels, or of a microblock, at a time.
        multiple = max(16, _ublock_depth_u85(operation, accelerator_name))
        return channel_scales(streams, channels, scales.U85[operation.registers.choice("ACC_FORMAT")], multiple)


@contextmanager
def _named(what: str, operation: Operation) -> Iterator[None]:
    """Say in an error's message whose it is."""
    try:
        yield
    except (Fault, Unmodelled) as error:
        raise type(error)(f"{what} of the operation at offset {operation.offset:#x}: {error}") from None


def _in_order(order: Order, streams: Sequence[bytes], fast: bool, sparse: bool) -> np.ndarray:
    if len(streams) != len(order.lengths):
        raise Fault(f"there are {len(streams)} streams, {len(order.lengths)} are needed")
    decode = fast_decoder.decode if fast else codec.decode
    contents = np.concatenate([decode(*stream) for stream in zip(streams, order.lengths, strict=True)])
    if sparse and (np.count_nonzero(contents.reshape(-1, _SPARSE_GROUP), axis=1) > _SPARSE_NONZERO).any():
        raise Fault("more than 2 of 4 weights are not zero, in a format for 2 of 4")
    weights = contents[order.positions]
    if np.count_nonzero(weights) != np.count_nonzero(contents):
        raise Fault("a weight outside the tensor is not zero")
    return weights


def _geometry_u55(operation: Operation, accelerator_name: str) -> GeometryU55:
    kernel, ofm, block = operation.kernel, operation.ofm, operation.block
    assert kernel is not None and ofm is not None and block is not None
    depthwise = operation.kind is Kind.DEPTHWISE
    return GeometryU55(
        depth=ofm.shape[2],
        kernel_height=kernel.height,
        kernel_width=kernel.width,
        ifm_depth=1 if depthwise else 1 + operation.registers.number("IFM_DEPTH_M1"),
        dilation_y=kernel.dilation_y,
        dilation_x=kernel.dilation_x,
        traversal=_traversal(operation),
        ifm_bits=_ifm_bits(operation),
        block_depth=block[2],
        # `s_EthosU55Configs` and `s_EthosU65Configs` in Vela's ethos_u55.cpp and ethos_u65.cpp.
        ublock_depth=4 if accelerator_name == "ethos-u55-32" else 8,
        cores=2 if accelerator_name == "ethos-u65-512" else 1,
    )


def _geometry_u85(operation: Operation, accelerator_name: str, fast: bool, sparse: bool) -> GeometryU85:
    kernel, ofm, block = operation.kernel, operation.ofm, operation.block
    assert kernel is not None and ofm is not None and block is not None
    depthwise = operation.kind is Kind.DEPTHWISE
    cores = _U85_CORES.get(accelerator_name, 1)
    return GeometryU85(
        depth=ofm.shape[2],
        kernel_height=kernel.height,
        kernel_width=kernel.width,
        ifm_depth=1 if depthwise else 1 + operation.registers.number("IFM_DEPTH_M1"),
        stride_y=kernel.stride_y,
        stride_x=kernel.stride_x,
        dilation_y=kernel.dilation_y,
        dilation_x=kernel.dilation_x,
        traversal=_traversal(operation),
        ifm_bits=_ifm_bits(operation),
        sparse=sparse,
        block_depth=block[2],
        ublock_depth=_ublock_depth_u85(operation, accelerator_name),
        macs=_macs(accelerator_name),
        cores=cores,
        interleaved=fast and cores > 1,
    )


def _macs(accelerator_name: str) -> int:
    return int(accelerator_name.rpartition("-")[2])


def _ublock_depth_u85(operation: Operation, accelerator_name: str) -> int:
    """Each element of a microblock takes 8 multiply-accumulates per cycle (`s_EthosU85Configs` in ethos_u85.cpp)."""
    assert operation.microblock is not None
    height, width = operation.microblock
    return _macs(accelerator_name) // 8 // (height * width)


def _traversal(operation: Operation) -> str:
    if operation.registers.choice("KERNEL_STRIDE", "decomposition") != "D8X8":
        raise Unmodelled("kernels are split into parts of 4 x 4")
    if operation.kind is Kind.DEPTHWISE:
        return "DEPTHWISE"
    return operation.registers.choice("KERNEL_STRIDE", "weight_order")


def _ifm_bits(operation: Operation) -> int:
    precision = operation.registers.choice("IFM_PRECISION", "activation_precision")
    if precision not in ("B8", "B16"):
        raise Unmodelled(f"an IFM of precision {precision}")
    return int(precision.removeprefix("B"))
