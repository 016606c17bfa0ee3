"""The order of weights on Ethos-U55 and U65. Source: Vela's `ethosu55/ethos_u55_weight_encoder.cpp`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workers.ethos_u.npu_model.errors import Unmodelled
from workers.ethos_u.npu_model.weights.order import (
    PADDING,
    along_depth,
    extents,
    positions_of,
    rounded_up,
    subkernel_size,
)

_IFM_UBLOCK_DEPTH = 8


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
        cores: 1 or 2; every other channel is computed by the second.
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

    @property
    def lengths(self) -> list[int]:
        """How many weights the stream of each core has that computes channels, padding counted."""
        if self.traversal == "DEPTHWISE":
            ifm_depth = 1
        elif self.traversal == "PART_KERNEL_FIRST":
            ifm_depth = rounded_up(self.ifm_depth, _IFM_UBLOCK_DEPTH)
        else:
            ifm_depth = rounded_up(self.ifm_depth, self.ifm_block_depth)
        elements = sum(
            rounded_up(height * width, self.rounding) * rows * columns
            for height, rows in extents(self.kernel_height, subkernel_size(self.dilation_y))
            for width, columns in extents(self.kernel_width, subkernel_size(self.dilation_x))
        )
        depths = (self.depth_of(core) for core in range(min(self.cores, self.depth)))
        return [rounded_up(depth, self.ublock_depth) * ifm_depth * elements for depth in depths]

    @property
    def positions(self) -> np.ndarray:
        """Where each weight stands in the streams, put one behind the other: int32, of the tensor's shape.

        Raises:
            Unmodelled: there are several OFM blocks, which do not hold whole microblocks.
        """
        return _positions(self)

    def depth_of(self, core: int) -> int:
        """Channels that a core computes."""
        return -(-(self.depth - core) // self.cores)

    @property
    def ifm_block_depth(self) -> int:
        """Channels of an IFM block."""
        return 16 if self.traversal == "PART_KERNEL_FIRST" or self.ifm_bits == 16 else 32

    @property
    def rounding(self) -> int:
        """Elements of a part of a kernel are padded to a multiple of it."""
        if self.traversal == "PART_KERNEL_FIRST":
            return 2 if self.ifm_bits == 16 else 4
        return 4 if self.traversal == "DEPTHWISE" else 1


@lru_cache(maxsize=64)
def _positions(geometry: GeometryU55) -> np.ndarray:
    shape = (geometry.depth, geometry.kernel_height, geometry.kernel_width, geometry.ifm_depth)
    return positions_of(shape, [_stream(geometry, core) for core in range(min(geometry.cores, geometry.depth))])


def _stream(geometry: GeometryU55, core: int) -> np.ndarray:
    """What one core gets: the channels that it computes of one OFM block after the other."""
    g = geometry
    depth, block_depth = g.depth_of(core), -(-(g.block_depth - core) // g.cores)
    if depth > block_depth and (not block_depth or block_depth % g.ublock_depth):
        raise Unmodelled(f"OFM blocks of {g.block_depth} channels do not hold whole microblocks")
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
    """A core's `depth` channels of an OFM block, as indices into the tensor that count from the first of them."""
    g = geometry
    part_kernel = g.traversal == "PART_KERNEL_FIRST"
    ifm_ublock_depth = 1 if g.traversal == "DEPTHWISE" else _IFM_UBLOCK_DEPTH
    step_y, step_x = subkernel_size(g.dilation_y), subkernel_size(g.dilation_x)
    # Axes: OFM microblock, kernel element, IFM microblock, channel in the OFM's, channel in the IFM's.
    o = np.arange(rounded_up(depth, g.ublock_depth)).reshape(-1, 1, 1, g.ublock_depth, 1)
    parts = []
    for ifm_start in range(0, g.ifm_depth, g.ifm_block_depth):
        ifm_end = ifm_start + g.ifm_block_depth
        # Depth first, the last IFM block is filled up.
        if part_kernel or g.traversal == "DEPTHWISE":
            ifm_end = min(ifm_end, rounded_up(g.ifm_depth, ifm_ublock_depth))
        i = np.arange(ifm_start, ifm_end).reshape(1, 1, -1, 1, ifm_ublock_depth)
        for top in range(0, g.kernel_height, step_y):
            height = min(step_y, g.kernel_height - top)
            for left in range(0, g.kernel_width, step_x):
                width = min(step_x, g.kernel_width - left)
                element = np.arange(rounded_up(height * width, g.rounding)).reshape(1, -1, 1, 1, 1)
                y, x = top + element // width, left + element % width
                index = ((o * g.cores * g.kernel_height + y) * g.kernel_width + x) * g.ifm_depth + i
                index = np.where((o < depth) & (element < height * width) & (i < g.ifm_depth), index, PADDING)
                parts.append(index.transpose(2, 0, 1, 3, 4).ravel() if part_kernel else index.ravel())
    return np.concatenate(parts)
