"""The order of weights on Ethos-U85. Source: Vela's `ethosu85/ethos_u85_weight_encoder.cpp` and `ethos_u85.cpp`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

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

#: Consecutive channels that the same core computes.
_CORE_CHANNELS = 4


@dataclass(frozen=True)
class GeometryU85:
    """What the order of weights depends on.

    Attributes:
        depth, kernel_height, kernel_width, ifm_depth: shape of the tensor; of a depthwise convolution IFM depth 1.
        stride_y, stride_x: of the kernel.
        dilation_y, dilation_x: 1 or 2.
        traversal: `DEPTH_FIRST`, `PART_KERNEL_FIRST` or `DEPTHWISE`.
        ifm_bits: 8 or 16.
        sparse: 2 of 4 weights along IFM depth are zero.
        block_depth: channels of an OFM block.
        ublock_depth: channels of a microblock, over all cores.
        macs: multiply-accumulates per cycle.
        cores: 1, 2 or 4.
        interleaved: the cores' weights are in one stream, in turns (fast weight decoder).
    """

    depth: int
    kernel_height: int
    kernel_width: int
    ifm_depth: int
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int
    traversal: str
    ifm_bits: int
    sparse: bool
    block_depth: int
    ublock_depth: int
    macs: int
    cores: int
    interleaved: bool

    @property
    def lengths(self) -> list[int]:
        """How many weights each stream has, padding counted."""
        elements = sum(
            self.padded(height * width) * rows * columns
            for height, rows in extents(self.kernel_height, subkernel_size(self.dilation_y))
            for width, columns in extents(self.kernel_width, subkernel_size(self.dilation_x))
        )
        weights = (
            rounded_up(self.depth, self.ublock_depth) * rounded_up(self.ifm_depth, self.ifm_ublock_depth) * elements
        )
        return [weights] if self.interleaved else [weights // self.cores] * self.cores

    @property
    def positions(self) -> np.ndarray:
        """Where each weight stands in the streams, put one behind the other: int32, of the tensor's shape.

        Raises:
            Unmodelled: OFM blocks do not hold whole microblocks.
        """
        return _positions(self)

    @property
    def ifm_block_depth(self) -> int:
        """Channels of an IFM block (`ArchEthosU85::FindBlockConfig`)."""
        if self.traversal == "PART_KERNEL_FIRST":
            return 16
        if self.macs <= 256 and self.ublock_depth == 16 and not self.sparse:
            return 32
        return 128 if self.sparse and self.ifm_bits == 8 else 64

    @property
    def ifm_ublock_depth(self) -> int:
        """Channels of the IFM that a microblock takes before the next one has its turn."""
        if self.traversal == "DEPTHWISE":
            return 1
        if self.traversal == "PART_KERNEL_FIRST" and self.ifm_bits == 16 and not self.sparse:
            return 8
        return self.ifm_block_depth

    @property
    def rounding(self) -> int:
        """Kernel elements are padded to a multiple of it."""
        if self.traversal == "DEPTHWISE":
            return 10
        if self.traversal == "DEPTH_FIRST":
            return 1
        return 10 if self.ifm_bits == 16 or self.sparse else 5

    @property
    def padding_elements(self) -> int:
        """Kernel elements of padding after every ten of a depthwise convolution."""
        if self.traversal != "DEPTHWISE" or (self.ifm_bits == 8 and self.macs <= 256):
            return 0
        return 2 if self.macs <= 512 else 6

    def padded(self, elements: int) -> int:
        """Elements of a part of a kernel, padding counted."""
        groups = -(-elements // self.rounding)
        return groups * (self.rounding + self.padding_elements)


@lru_cache(maxsize=64)
def _positions(geometry: GeometryU85) -> np.ndarray:
    g = geometry
    if g.depth > g.block_depth and g.block_depth % g.ublock_depth:
        raise Unmodelled(f"OFM blocks of {g.block_depth} channels do not hold whole microblocks")
    streams = [_stream(g, core) for core in range(g.cores)]
    if g.interleaved:
        turn = g.ublock_depth * g.ifm_ublock_depth * g.rounding // g.cores
        streams = [np.stack([stream.reshape(-1, turn) for stream in streams], axis=1).ravel()]
    return positions_of((g.depth, g.kernel_height, g.kernel_width, g.ifm_depth), streams)


def _stream(geometry: GeometryU85, core: int) -> np.ndarray:
    """What one core gets. Every other OFM block takes the IFM blocks backwards."""
    g = geometry
    channel_elements = g.kernel_height * g.kernel_width * g.ifm_depth
    count, rest = divmod(g.depth, g.block_depth)
    blocks = np.empty(count + (rest > 0), object)
    for backwards in (False, True):
        starts = range(backwards * g.block_depth, count * g.block_depth, 2 * g.block_depth)
        if starts:
            made = along_depth(_block(g, core, g.block_depth, backwards), starts, channel_elements)
            for at, part in zip(range(backwards, count, 2), made.reshape(len(starts), -1), strict=True):
                blocks[at] = part
    if rest:
        starts = range(count * g.block_depth, g.depth, g.block_depth)
        blocks[count] = along_depth(_block(g, core, rest, count % 2 == 1), starts, channel_elements)
    return np.concatenate(blocks)


def _block(geometry: GeometryU85, core: int, depth: int, backwards: bool) -> np.ndarray:
    """One OFM block of `depth` channels, as indices into the tensor that count from its first channel."""
    g = geometry
    depthwise = g.traversal == "DEPTHWISE"
    ifm_step = 1 if depthwise else 16 if g.sparse else 8
    # Axes: IFM microblock, OFM microblock, kernel element, IFM step, channel in the OFM's, channel in the IFM step.
    turns = np.arange(core * _CORE_CHANNELS, g.ublock_depth, g.cores * _CORE_CHANNELS)
    of_core = (turns[:, None] + np.arange(_CORE_CHANNELS)).reshape(1, 1, 1, 1, -1, 1)
    o = np.arange(0, depth, g.ublock_depth).reshape(1, -1, 1, 1, 1, 1) + of_core
    step_y, step_x = subkernel_size(g.dilation_y), subkernel_size(g.dilation_x)
    ifm_starts = range(0, g.ifm_depth, g.ifm_block_depth)
    parts = []
    for ifm_start in reversed(ifm_starts) if backwards else ifm_starts:
        ifm_end = min(ifm_start + g.ifm_block_depth, g.ifm_depth)
        i = np.arange(ifm_start, ifm_start + rounded_up(ifm_end - ifm_start, g.ifm_ublock_depth))
        i = i.reshape(-1, 1, 1, g.ifm_ublock_depth // ifm_step, 1, ifm_step)
        for left in range(0, g.kernel_width, step_x):
            width = min(step_x, g.kernel_width - left)
            for top in range(0, g.kernel_height, step_y):
                height = min(step_y, g.kernel_height - top)
                strides = (1, 1) if g.traversal == "DEPTH_FIRST" else (g.stride_y, g.stride_x)
                taps = _taps(height, width, *strides, g.rounding, g.padding_elements)
                y, x = (taps[None, None, :, axis, None, None, None] for axis in (0, 1))
                index = ((o * g.kernel_height + top + y) * g.kernel_width + left + x) * g.ifm_depth + i
                parts.append(np.where((o < depth) & (i < g.ifm_depth) & (y >= 0), index, PADDING).ravel())
    return np.concatenate(parts)


@cache
def _taps(height: int, width: int, stride_y: int, stride_x: int, rounding: int, padding: int) -> np.ndarray:
    """The elements of a kernel in their order, as rows (y, x); (-1, -1) for padding.

    With a stride, elements that meet the same IFM phase come together. Every other row of a phase runs backwards.
    """
    order = []
    for phase_y in range(stride_y):
        for phase_x in range(stride_x):
            for row, y in enumerate(range(phase_y, height, stride_y)):
                xs = range(phase_x, width, stride_x)
                order += [(y, x) for x in (reversed(xs) if row % 2 else xs)]
    order += [(PADDING, PADDING)] * (-len(order) % rounding)
    taps = []
    for start in range(0, len(order), rounding):
        taps += order[start : start + rounding] + [(PADDING, PADDING)] * padding
    return np.array(taps)
