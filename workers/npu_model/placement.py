"""Where the elements of a feature map lie in memory, as rows of bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workers.command_stream import FeatureMap, Operation, RegisterState
from workers.npu_model import spans
from workers.npu_model.errors import Unmodelled

_BRICK = 16

Moved = Mapping[str, np.ndarray]
"""Address registers that differ between the operations of a run, as `Decoded.addresses` has them."""

Extent = tuple[int, int]
Box = tuple[Extent, Extent, Extent]
"""A part of a feature map: first and end of its rows, columns and channels."""


@dataclass(frozen=True)
class Rows:
    """Rows of bytes at regular distances from what a register says, plus an offset; see `workers.npu_model.spans`."""

    register: str
    offset_bytes: int
    dimensions: tuple[tuple[int, int], ...]
    length_bytes: int

    @cached_property
    def at_zero(self) -> np.ndarray:
        """The bytes, as spans, if the register is 0."""
        return spans.rows(self.offset_bytes, self.dimensions, self.length_bytes)

    def at(self, registers: RegisterState, moved: Moved) -> np.ndarray:
        """The bytes, as spans; with `moved` those of all operations of a run."""
        bases = moved.get(f"NPU_SET_{self.register}")
        if bases is None:
            return self.at_zero + registers.number(self.register)
        return spans.rows(bases + self.offset_bytes, self.dimensions, self.length_bytes)


def rows_of_map(operation: Operation, feature_map: FeatureMap, name: str, box: Box | None = None) -> Iterator[Rows]:
    """The rows of an operation's feature map in memory.

    Args:
        name: `IFM`, `IFM2` or `OFM`.
        box: the part of it that is wanted, in the coordinates of `FeatureMap.shape`; all of it by default.

    Raises:
        Unmodelled: it is stored in three tiles.
    """
    if feature_map.storage != "TILE2X2":
        raise Unmodelled(f"{name} of the operation at {operation.offset:#x} has storage {feature_map.storage}")
    size = dict(zip("HWC", feature_map.shape, strict=True))
    extent = {d: (0, count) for d, count in size.items()} if box is None else dict(zip("HWC", box, strict=True))
    if feature_map.reverse != "NONE":
        first, end = extent[feature_map.reverse]
        count = size[feature_map.reverse]
        extent[feature_map.reverse] = count - end, count - first
    # The sizes of an OFM are those before, tiles and strides those after its transpose.
    rows, columns, channels = (extent[d] for d in feature_map.transpose)
    number = operation.registers.number
    across = 1 + number(f"{name}_WIDTH0_M1")
    for right, down in ((0, 1 + number(f"{name}_HEIGHT0_M1")), (1, 1 + number(f"{name}_HEIGHT1_M1"))):
        for below in range(2):
            part = _beyond(rows, down, below), _beyond(columns, across, right), channels
            if all(first < end for first, end in part):
                yield from _tile(operation, feature_map, f"{name}_BASE{2 * below + right}", part)


def _beyond(extent: Extent, split: int, after: int) -> Extent:
    """The part of an extent before or after a split, counted from where that part begins."""
    first, end = extent
    return (max(first, split) - split, end - split) if after else (first, min(end, split))


def _tile(operation: Operation, feature_map: FeatureMap, register: str, part: Box) -> Iterator[Rows]:
    (top, bottom), (left, right), (front, back) = part
    stride_y, stride_x, stride_c = feature_map.strides
    element = feature_map.element_bytes
    u85 = operation.family == "ethos-u85"
    bricks = feature_map.format != "NHWC"
    # U55 and U65 ignore STRIDE_C in NHWC (Vela's comment in InsertTransposeCommand) and STRIDE_X in bricks.
    if bricks and not u85:
        stride_x = _BRICK * element
    elif not bricks and not u85:
        stride_c = element
    offset = top * stride_y + left * stride_x
    pixels = (bottom - top, stride_y), (right - left, stride_x)
    if not bricks:
        yield Rows(register, offset + front * stride_c, (*pixels, (back - front, stride_c)), element)
        return
    while front < back:
        brick, within = divmod(front, _BRICK)
        whole = 1 if within else max(1, (back - front) // _BRICK)
        end = min(back, (brick + whole) * _BRICK)
        length = (end - front if whole == 1 else _BRICK) * element
        at = offset + brick * stride_c + within * element
        yield Rows(register, at, (*pixels, (whole, stride_c)), length)
        front = end
