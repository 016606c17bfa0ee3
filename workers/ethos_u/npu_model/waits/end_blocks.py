"""The last blocks of one operation and the first blocks of the next.

They may be under way at the same time.

The NPU computes an OFM block by block and reads an IFM likewise. NPU_SET_BLOCKDEP says how many blocks may be under way
when a computation begins before its predecessor's end. Vela sets it by the same boxes (`CalcBlockDep` of its two
register_cs_generator.cpp). So a box here is part of what Vela takes to be read or written by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from workers.cache.lru import LRU
from workers.ethos_u.command_stream import FeatureMap, Kind, Operation
from workers.ethos_u.npu_model.accesses.footprint import Operand
from workers.ethos_u.npu_model.accesses.placement import rows_of_map
from workers.ethos_u.npu_model.memory.feature_maps import Box

_KEPT = 1 << 12

_Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Boxes of a feature map, but for addresses.

    Attributes:
        operation: one that has the feature map.
        name: `IFM`, `IFM2` or `OFM`.
        boxes: some boxes at one end of it, the very first or last in front.
    """

    operation: Operation
    name: str
    feature_map: FeatureMap
    boxes: Sequence[Box]

    @cached_property
    def around(self) -> Operand:
        """The smallest box that has them all in it."""
        return self._operand(_around(self.boxes))

    @cached_property
    def each(self) -> Sequence[Operand]:
        return [self._operand(box) for box in self.boxes]

    def _operand(self, box: Box) -> Operand:
        region = self.feature_map.region
        return Operand.of(self.name, region, list(rows_of_map(self.operation, self.feature_map, self.name, box)))


def blocks_at_end(alike: Operation, name: str, accelerator: str, most: int) -> Blocks:
    """The first blocks that an operation reads of IFM or IFM2, or the last ones of its OFM.

    Args:
        alike: as in `Footprint`.
        name: of the feature map.
        accelerator: name of the NPU, as in `Decoded.accelerator`.
        most: as many blocks.

    Returns:
        The blocks.
    """
    return _blocks.find((alike, name, accelerator, most), lambda: _at_end(alike, name, accelerator, most))


#: Of a search's candidates most operations differ in addresses only.
_blocks: LRU[Blocks] = LRU(_KEPT)


def _at_end(alike: Operation, name: str, accelerator: str, most: int) -> Blocks:
    feature_map = {"IFM": alike.ifm, "IFM2": alike.ifm2, "OFM": alike.ofm}[name]
    assert feature_map is not None
    boxes = _last_written(alike, most) if name == "OFM" else _first_read(alike, feature_map, accelerator, most)
    return Blocks(alike, name, feature_map, boxes)


def _last_written(operation: Operation, most: int) -> list[Box]:
    """The last boxes of the OFM, the very last one first."""
    assert operation.ofm is not None and operation.block is not None
    count = prod(_counts(operation.ofm.shape, operation.block))
    return [_box(operation.ofm.shape, operation.block, count - 1 - at) for at in range(min(most, count))]


def _first_read(operation: Operation, feature_map: FeatureMap, accelerator: str, most: int) -> list[Box]:
    """The first boxes of one of the feature maps that are read, in order."""
    assert operation.block is not None
    height, width, depth = operation.block
    kernel = operation.kernel
    if kernel is not None:
        height = (height - 1) * kernel.stride_y + kernel.dilated_height
        width = (width - 1) * kernel.stride_x + kernel.dilated_width
    shape = height, width, _depth_read_at_once(operation, depth, accelerator)
    count = prod(_counts(feature_map.shape, shape))
    return [_box(feature_map.shape, shape, at) for at in range(min(most, count))]


def _around(boxes: Sequence[Box]) -> Box:
    """The smallest box that has them all in it."""
    rows, columns, channels = (
        (min(first for first, _ in extents), max(end for _, end in extents)) for extents in zip(*boxes, strict=True)
    )
    return rows, columns, channels


def _counts(whole: _Shape, part: _Shape) -> _Shape:
    rows, columns, channels = (-(-size // step) for size, step in zip(whole, part, strict=True))
    return rows, columns, channels


def _box(whole: _Shape, part: _Shape, number: int) -> Box:
    """Boxes are counted along the depth first, then along the width."""
    _, columns, channels = _counts(whole, part)
    at = number // (columns * channels), number // channels % columns, number % channels
    rows, across, deep = (
        (place * step, min(size, (place + 1) * step)) for place, step, size in zip(at, part, whole, strict=True)
    )
    return rows, across, deep


def _depth_read_at_once(operation: Operation, block_depth: int, accelerator: str) -> int:
    """Channels of an IFM block (Vela's `FindBlockConfig` in ethos_u55.cpp and ethos_u85.cpp)."""
    ifm = operation.ifm
    assert ifm is not None
    if operation.kind is not Kind.CONV and operation.pooling_mode != "REDUCE_SUM":
        return block_depth
    part_kernel = operation.kind is Kind.CONV and operation.traversal == "PART_KERNEL_FIRST"
    if operation.family != "ethos-u85":
        return 16 if part_kernel or ifm.element_bytes == 2 else 32
    sparse = (operation.weight_format or "").endswith("/SPARSE_2_4")
    if part_kernel:
        return 16
    if ifm.element_bytes == 4 or (_microblock_depth(operation, accelerator) == 16 and not sparse):
        return 32
    return 128 if sparse and ifm.element_bytes == 1 else 64


def _microblock_depth(operation: Operation, accelerator: str) -> int:
    """On U85-128 and U85-256, the only ones on which it matters; 0 elsewhere."""
    macs = int(accelerator.rpartition("-")[2])
    assert operation.microblock is not None
    return macs // 8 // prod(operation.microblock) if macs <= 256 else 0
