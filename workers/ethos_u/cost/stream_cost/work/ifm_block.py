"""The part of an IFM that an OFM block needs.

No register has it, but it follows from those that are there.
"""

from __future__ import annotations

from math import ceil

from workers.ethos_u.command_stream.features import Kernel, Shape
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.work.work import Unit

_SUBKERNEL = 8

# SetupOfmUBlockToIfmAuTable in ethos_u85.cpp: what IFM RAM is given out in, by microblock (height, width), for blocks
# up to 128, up to 256 and above 256 bits deep. The depths are in units of 128 bits.
_UNITS: dict[int, dict[tuple[int, int], tuple[Shape, Shape, Shape]]] = {
    128: {(1, 2): ((1, 2, 1), (1, 1, 2), (1, 1, 2)), (1, 1): ((1, 2, 1), (1, 1, 2), (1, 1, 2))},
    256: {
        (2, 2): ((2, 2, 1), (1, 2, 2), (1, 1, 4)), (1, 2): ((2, 2, 1), (1, 2, 2), (1, 1, 4)),
        (1, 4): ((1, 4, 1), (1, 2, 2), (1, 1, 4)),
    },
    512: {(2, 2): ((2, 2, 1), (1, 2, 2), (1, 1, 4)), (1, 4): ((1, 4, 1), (1, 2, 2), (1, 1, 4))},
    1024: {
        (2, 2): ((2, 4, 1), (2, 2, 2), (1, 2, 4)), (2, 4): ((2, 4, 1), (2, 2, 2), (1, 2, 4)),
        (1, 4): ((2, 4, 1), (1, 4, 2), (1, 2, 4)),
    },
    2048: {
        (2, 2): ((4, 4, 1), (2, 4, 2), (2, 2, 4)), (4, 4): ((4, 4, 1), (2, 4, 2), (2, 2, 4)),
        (1, 4): ((4, 4, 1), (2, 4, 2), (1, 4, 4)),
    },
}  # fmt: skip


def ifm_block(
    npu: Npu, unit: Unit, ofm_block: Shape, kernel: Kernel, upscale: str, depth: int, bits: int, microblock: Shape,
    part_kernel: bool, sparse: bool,
) -> Shape:  # fmt: skip
    """The IFM block of an operation.

    `GetArchIFMBlockSize` and `FindBlockConfig` in ethos_u55.cpp and ethos_u85.cpp.

    Args:
        npu: the NPU.
        unit: that computes.
        ofm_block: (height, width, depth) of the OFM block.
        kernel: of the operation.
        upscale: `NONE`, `NEAREST` or `ZEROS`.
        depth, bits: of the IFM.
        microblock: (height, width, depth).
        part_kernel: the traversal is part kernel first.
        sparse: the weights are 2:4 sparse (U85).

    Returns:
        (height, width, depth).
    """
    if unit is Unit.ELEMENTWISE:
        return ofm_block if npu.u85 else (*_rounded(ofm_block[:2], microblock[:2]), ofm_block[2])
    if npu.u85:
        return _u85(npu, unit, ofm_block, kernel, upscale, bits, microblock, part_kernel, sparse)
    height, width = _rounded(_needed(ofm_block, kernel, upscale), microblock[:2])
    if not unit.whole_depth:
        return height, width, ofm_block[2]
    if bits == 16:
        return height, width, _up(min(depth, 16), 4)
    return height, width, _up(min(depth, 16 if part_kernel else 32), npu.ifm_depth_granule)


def _u85(
    npu: Npu, unit: Unit, ofm_block: Shape, kernel: Kernel, upscale: str, bits: int, microblock: Shape,
    part_kernel: bool, sparse: bool,
) -> Shape:  # fmt: skip
    deep = ofm_block[2]
    if unit.whole_depth:
        deep = 64
        if part_kernel:
            deep = 16
        elif bits == 32 or (npu.macs <= 256 and microblock[2] == 16 and not sparse):
            deep = 32
        elif sparse and bits == 8:
            deep = 128
    depth_bits = deep * bits
    units = _UNITS[npu.macs].get(microblock[:2])
    if units is None:
        return ofm_block
    granule = units[2 if depth_bits > 256 else 1 if depth_bits > 128 else 0]
    height, width = _rounded(_needed(ofm_block, kernel, upscale), granule[:2])
    if unit in (Unit.POOL, Unit.DEPTHWISE, Unit.REDUCE_SUM):
        deep = _up(deep, max(1, granule[2] * 128 // bits))
    return height, width, deep


def _needed(ofm_block: Shape, kernel: Kernel, upscale: str) -> tuple[int, int]:
    """Rows and columns, of an IFM that is upscaled on the way in."""
    factor, extra = (1, 0) if upscale == "NONE" else (2, 1 if upscale == "NEAREST" else 0)
    height = (ofm_block[0] - 1) * kernel.stride_y + min(kernel.dilated_height, _SUBKERNEL) + extra
    width = (ofm_block[1] - 1) * kernel.stride_x + min(kernel.dilated_width, _SUBKERNEL) + extra
    return ceil(height / factor), ceil(width / factor)


def _rounded(sizes: tuple[int, int], granules: tuple[int, int]) -> tuple[int, int]:
    return _up(sizes[0], granules[0]), _up(sizes[1], granules[1])


def _up(size: int, granule: int) -> int:
    return -(-size // granule) * granule
