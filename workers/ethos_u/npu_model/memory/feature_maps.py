"""Feature maps in memory: read and written as arrays `[S, H, W, C]`.

A feature map lies in up to four tiles, of which a rolling buffer uses two. In each tile rows and columns have constant
strides. NHWC has its channels next to each other; NHCWB16 has bricks of 16 channels, of which STRIDE_C is the distance.
U55 ignores STRIDE_C in NHWC and STRIDE_X in NHCWB16 (comment in `InsertTransposeCommand`,
ethos_u55_register_cs_generator.cpp).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workers.ethos_u.command_stream import FeatureMap, Operation
from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.memory.memory import Memory, check_inside

_BRICK = 16

#: What an operation's feature maps are called in its registers.
Role = str

Extent = tuple[int, int]
Box = tuple[Extent, Extent, Extent]
"""A part of a feature map: first and end of its rows, columns and channels."""


@dataclass(frozen=True)
class Piece:
    """A part of a feature map in one tile, in which every dimension has a constant stride.

    Attributes:
        tile: its tile, from 0 to 3.
        rows, columns, channels: where it is in the feature map.
        offset: bytes from the tile's address to its first element.
        shape: (rows, columns, channels), or (rows, columns, bricks, 16).
        strides: bytes, one per dimension of `shape`.
    """

    tile: int
    rows: slice
    columns: slice
    channels: slice
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @cached_property
    def reach(self) -> tuple[int, int]:
        """Bytes from the tile's address to the first and past the last byte, for one-byte elements."""
        ends = [stride * (size - 1) for size, stride in zip(self.shape, self.strides, strict=True)]
        return self.offset + sum(min(0, end) for end in ends), self.offset + sum(max(0, end) for end in ends) + 1


@dataclass(frozen=True)
class Layout:
    """Where the elements of a feature map lie, but for the addresses of its tiles.

    Attributes:
        region: base pointer of the addresses.
        dtype: of the elements.
        shape: (height, width, depth) as in memory; of an OFM after its transpose.
        pieces: all of it.
    """

    region: int
    dtype: np.dtype
    shape: Shape
    pieces: tuple[Piece, ...]

    def reach(self, addresses: Sequence[np.ndarray]) -> tuple[int, int]:
        """First byte and byte behind the last that are touched, for tile addresses `[N]` each."""
        lows, highs = [], []
        for piece in self.pieces:
            low, high = piece.reach
            at = addresses[piece.tile]
            lows.append(int(at.min()) + low)
            highs.append(int(at.max()) + high + self.dtype.itemsize - 1)
        return min(lows), max(highs)


def layout(operation: Operation, role: Role, feature_map: FeatureMap) -> Layout:
    """The layout of a feature map in memory.

    Args:
        operation: whose registers say where the map is.
        role: `IFM`, `IFM2` or `OFM`.
        feature_map: the map.

    Returns:
        The layout; addresses are no part of it.

    Raises:
        Unmodelled: it is stored in a way that is not known.
        Fault: it has no elements, because padding covers all that the kernel sees.
    """
    shape = memory_shape(feature_map)
    if min(shape) <= 0:
        raise Fault(f"{role} of {'x'.join(map(str, shape))} elements at offset {operation.offset:#x}")
    height, width, depth = shape
    pieces = tuple(pieces_of(operation, role, feature_map, ((0, height), (0, width), (0, depth))))
    kind = "i" if feature_map.signed else "u"
    dtype = np.dtype(f"<{kind}{feature_map.element_bytes}")
    return Layout(feature_map.region, dtype, shape, pieces)


def pieces_of(operation: Operation, role: Role, feature_map: FeatureMap, box: Box) -> Iterator[Piece]:
    """Where a part of a feature map lies in memory; nothing if it has no elements.

    Args:
        operation: whose registers say where the map is.
        role: `IFM`, `IFM2` or `OFM`.
        feature_map: the map.
        box: the part, in the order of dimensions in memory.

    Yields:
        The parts of it that lie in one tile each.

    Raises:
        Unmodelled: it is stored in a way that is not known.
    """
    if feature_map.storage != "TILE2X2":
        raise Unmodelled(f"{role} storage {feature_map.storage} at offset {operation.offset:#x}")
    if any(first >= end for first, end in box):
        return
    number = operation.registers.number
    rows, columns, channels = box
    across = 1 + number(f"{role}_WIDTH0_M1")
    for right, left in enumerate(_split(columns, across)):
        down = 1 + number(f"{role}_HEIGHT{right}_M1")
        for below, top in enumerate(_split(rows, down)):
            if top and left:
                yield from _pieces(
                    operation, feature_map, 2 * below + right, (below * down, right * across), (top, left, channels)
                )


def memory_shape(feature_map: FeatureMap) -> Shape:
    """(height, width, depth) as they lie in memory: U85 can permute an OFM on the way out."""
    height, width, depth = (feature_map.shape["HWC".index(letter)] for letter in feature_map.transpose)
    return height, width, depth


def read(memory: Memory, place: Layout, addresses: Sequence[int]) -> np.ndarray:
    """The values of a feature map.

    Args:
        memory: to read from.
        place: layout of the map.
        addresses: of each tile, in bytes.

    Returns:
        `[S, H, W, C]`; a view of the memory where that is possible. S is 1 for the constants.

    Raises:
        Fault: a byte is outside its region.
    """
    region = memory.region(place.region)
    if len(place.pieces) == 1:
        return _joined(_view(region, place, place.pieces[0], addresses), place.pieces[0])
    found = np.empty((len(region), *place.shape), place.dtype)
    for piece in place.pieces:
        part = _joined(_view(region, place, piece, addresses), piece)
        found[:, piece.rows, piece.columns, piece.channels] = part
    return found


def read_each(memory: Memory, place: Layout, addresses: Sequence[np.ndarray]) -> np.ndarray:
    """The values of N feature maps that differ in their addresses only.

    Args:
        memory: to read from.
        place: layout of the maps.
        addresses: of each tile, `[N]` bytes.

    Returns:
        `[S * N, H, W, C]`. S is 1 for the constants.

    Raises:
        Fault: a byte is outside its region.
    """
    region = memory.region(place.region)
    found = np.empty((len(region) * len(addresses[0]), *place.shape), place.dtype)
    for piece in place.pieces:
        windows, at = _windows(region, place, piece, addresses)
        part = _joined(windows[:, at].reshape(-1, *piece.shape), piece)
        found[:, piece.rows, piece.columns, piece.channels] = part
    return found


def write(memory: Memory, place: Layout, addresses: Sequence[int], values: np.ndarray) -> None:
    """Write a feature map.

    Args:
        memory: to write to.
        place: layout of the map.
        addresses: of each tile, in bytes.
        values: `[S, H, W, C]` in the order of the dimensions in memory; S may be 1 for all sets alike.

    Raises:
        Fault: a byte is outside its region, or the region is read-only.
    """
    memory.writable(place.region)
    region = memory.region(place.region)
    for piece in place.pieces:
        part = values[:, piece.rows, piece.columns, piece.channels]
        _view(region, place, piece, addresses)[...] = part.reshape(-1, *piece.shape)


def write_each(memory: Memory, place: Layout, addresses: Sequence[np.ndarray], values: np.ndarray) -> None:
    """Write N feature maps that differ in their addresses only, in this order.

    Args:
        memory: to write to.
        place: layout of the maps.
        addresses: of each tile, `[N]` bytes.
        values: `[S * N, H, W, C]` in the order of the dimensions in memory.

    Raises:
        Fault: as `write`.
    """
    memory.writable(place.region)
    region = memory.region(place.region)
    for piece in place.pieces:
        part = values[:, piece.rows, piece.columns, piece.channels]
        windows, at = _windows(region, place, piece, addresses)
        windows[:, at] = part.reshape(-1, len(at), *piece.shape)


def _joined(values: np.ndarray, piece: Piece) -> np.ndarray:
    """With the channels of all bricks as one dimension."""
    return values if len(piece.shape) == 3 else values.reshape(*values.shape[:3], -1)


def _view(region: np.ndarray, place: Layout, piece: Piece, addresses: Sequence[int]) -> np.ndarray:
    low, high = piece.reach
    address = addresses[piece.tile]
    check_inside(place.region, region.shape[1], address + low, address + high + place.dtype.itemsize - 1)
    return np.ndarray(
        (len(region), *piece.shape), place.dtype, buffer=region, offset=address + piece.offset,
        strides=(region.strides[0], *piece.strides),
    )  # fmt: skip


def _windows(
    region: np.ndarray, place: Layout, piece: Piece, addresses: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The piece at every address that it could have, `[S, addresses, ...]`, and the numbers of those that it has."""
    at = addresses[piece.tile]
    low, high = piece.reach
    high += place.dtype.itemsize - 1
    size = region.shape[1]
    check_inside(place.region, size, int(at.min()) + low, int(at.max()) + high)
    windows: np.ndarray = np.ndarray(
        (len(region), size - (high - low) + 1, *piece.shape), place.dtype, buffer=region, offset=piece.offset - low,
        strides=(region.strides[0], 1, *piece.strides),
    )  # fmt: skip
    return windows, at + low


def _split(extent: Extent, at: int) -> tuple[Extent | None, Extent | None]:
    """What comes before a place, and what comes after it; None if that is nothing."""
    first, end = extent
    return (first, min(end, at)) if first < at else None, (max(first, at), end) if end > at else None


def _pieces(
    operation: Operation, feature_map: FeatureMap, tile: int, corner: tuple[int, int], part: Box
) -> Iterator[Piece]:
    """Those of a part that lies in one tile. corner: row and column at which the tile begins."""
    (top, bottom), (left, right), (front, back) = part
    stride_y, stride_x, stride_c = feature_map.strides
    element = feature_map.element_bytes
    if feature_map.format not in ("NHWC", "NHCWB16"):
        raise Unmodelled(f"feature map format {feature_map.format} at offset {operation.offset:#x}")
    bricks = feature_map.format == "NHCWB16"
    if operation.family != "ethos-u85":
        stride_x, stride_c = (_BRICK * element, stride_c) if bricks else (stride_x, element)
    offset = (top - corner[0]) * stride_y + (left - corner[1]) * stride_x
    size, strides = (bottom - top, right - left), (stride_y, stride_x)

    def piece(first: int, end: int, offset: int, shape: tuple[int, ...], along: tuple[int, ...]) -> Piece:
        return Piece(
            tile, slice(top, bottom), slice(left, right), slice(first, end), offset, size + shape, strides + along
        )

    if not bricks:
        if stride_c != element and back - front > 1:
            raise Unmodelled(f"channels {stride_c} bytes apart at offset {operation.offset:#x}")
        yield piece(front, back, offset + front * element, (back - front,), (element,))
        return
    while front < back:
        brick, within = divmod(front, _BRICK)
        whole = 0 if within else (back - front) // _BRICK
        end = front + whole * _BRICK if whole else min(back, (brick + 1) * _BRICK)
        shape, along = ((whole, _BRICK), (stride_c, element)) if whole else ((end - front,), (element,))
        yield piece(front, end, offset + brick * stride_c + within * element, shape, along)
        front = end
