"""The order of weights on Ethos-U55 and U65. Source: Vela's `ethosu55/ethos_u55_weight_encoder.cpp`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workers.npu_model.errors import Unmodelled
from workers.npu_model.weights.order import PADDING, Order, along_depth, order_of

_IFM_UBLOCK_DEPTH = 8
_SUBKERNEL = 8


@dataclass(frozen=True)
class GeometryU55:
    """What the order of weights depends on.

    Attributes:
        depth, kernel_height, kernel_width, ifm_depth: shape of the tensor; of a depthwise convolution IFM depth 1.
        dilation_y, dilation_x: 1 or 2.
        traversal: `DEPTH_FIRST`, `PART_KERNEL_FIRST` or `DEPTHWISE`.
        ifm_bits: 8 or 16.
        block_depth: channels of an OFM block, over all cores.
        ublock_depth: channels that a core works on at a time.
        cores: 1 or 2.
    """

    depth: int
    kernel_height: int
    kernel_width: int
    ifm_depth: int
    dilation_y: int
    dilation_x: int
    traversal: str
    ifm_bits: int
    block_depth: int
    ublock_depth: int
    cores: int


@lru_cache(maxsize=64)
def order_u55(geometry: GeometryU55) -> Order:
    """The order of weights in one stream per core that has channels.

    Raises:
        Unmodelled: there are several OFM blocks, which do not hold whole microblocks.
    """
    shape = (geometry.depth, geometry.kernel_height, geometry.kernel_width, geometry.ifm_depth)
    streams = [_stream(geometry, core) for core in range(min(geometry.cores, geometry.depth))]
    return order_of(shape, streams)


def _stream(geometry: GeometryU55, core: int) -> np.ndarray:
    """What one core gets: every `cores`-th channel, in blocks that hold a part of an OFM block's channels."""
    g = geometry
    depth = -(-(g.depth - core) // g.cores)
    block_depth = -(-(g.block_depth - core) // g.cores)
    if depth > block_depth and block_depth % g.ublock_depth:
        raise Unmodelled(f"an OFM block of {g.block_depth} channels does not hold whole microblocks")
    whole = depth // block_depth * block_depth
    channel_elements = g.kernel_height * g.kernel_width * g.ifm_depth
    parts = [
        along_depth(_block(g, min(block_depth, depth - starts[0])), starts, g.cores * channel_elements)
        for starts in (range(0, whole, block_depth), range(whole, depth, block_depth))
        if starts
    ]
    contents = np.concatenate(parts)
    return np.where(contents >= 0, contents + core * channel_elements, PADDING)


def _block(geometry: GeometryU55, depth: int) -> np.ndarray:
    """A core's part of an OFM block, `depth` channels, as indices into the tensor that count from the first of them."""
    g = geometry
    part_kernel, depthwise = g.traversal == "PART_KERNEL_FIRST", g.traversal == "DEPTHWISE"
    ifm_block = 16 if part_kernel or g.ifm_bits == 16 else 32
    rounding = 4 if depthwise else {8: 4, 16: 2}[g.ifm_bits] if part_kernel else 1
    # Axes: OFM microblock, kernel element, IFM microblock, channel in the OFM's, channel in the IFM's.
    o = np.arange(-(-depth // g.ublock_depth) * g.ublock_depth).reshape(-1, 1, 1, g.ublock_depth, 1)
    parts = []
    for ifm_start in range(0, g.ifm_depth, ifm_block):
        if depthwise:
            i = np.zeros((1, 1, 1, 1, 1), np.int64)
        else:
            # Depth first, the last IFM block is filled up.
            ifm_end = min(ifm_start + ifm_block, g.ifm_depth) if part_kernel else ifm_start + ifm_block
            i = np.arange(ifm_start, -(-ifm_end // _IFM_UBLOCK_DEPTH) * _IFM_UBLOCK_DEPTH)
            i = i.reshape(1, 1, -1, 1, _IFM_UBLOCK_DEPTH)
        step_y, step_x = _SUBKERNEL // g.dilation_y, _SUBKERNEL // g.dilation_x
        for top in range(0, g.kernel_height, step_y):
            height = min(step_y, g.kernel_height - top)
            for left in range(0, g.kernel_width, step_x):
                width = min(step_x, g.kernel_width - left)
                element = np.arange(-(-height * width // rounding) * rounding).reshape(1, -1, 1, 1, 1)
                y, x = top + element // width, left + element % width
                index = ((o * g.cores * g.kernel_height + y) * g.kernel_width + x) * g.ifm_depth + i
                index = np.where((o < depth) & (element < height * width) & (i < g.ifm_depth), index, PADDING)
                parts.append(index.transpose(2, 0, 1, 3, 4).ravel() if part_kernel else index.ravel())
    return np.concatenate(parts)
