"""Copies, also by index."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled


class Bytes(Protocol):
    """What a copy needs of memory. Region None is the memory for tables inside the NPU."""

    def read_bytes(self, region: int | None, address: int, length: int) -> np.ndarray:
        """Consecutive bytes.

        Args:
            region: number of the region; None for table memory.
            address: of the first one in the region.
            length: how many.

        Returns:
            uint8 `[S, length]`.
        """

    def write_bytes(self, region: int | None, address: int, data: np.ndarray) -> None:
        """Write consecutive bytes.

        Args:
            region: number of the region; None for table memory.
            address: of the first one in the region.
            data: uint8 `[S, length]`.
        """


def copy(operation: Operation, memory: Bytes) -> None:
    """Copy.

    What Vela emits is a single row of bytes, or on U85 planes of rows by index. Row i of a plane is at
    `index[i] * stride0` at one end and at `i * stride0` at the other. Plane j is at `j * stride1`
    (EthosU85RCSGenerator::GenerateDMA).

    Args:
        operation: its kind is dma.
        memory: is read and written.

    Raises:
        Unmodelled: a kind of copy that Vela does not emit.
        Fault: an index is negative or beyond DMA0_IDX_MAX, or one of memory's own.
    """
    dma, number = operation.dma, operation.registers.number
    assert dma is not None
    dimensions = operation.registers.choice("DMA0_SRC_REGION", "stride_mode")
    if dma.indexed:
        for plane in range(number("DMA0_SIZE1") if dimensions == "D3" else 1):
            _copy_by_index(operation, memory, plane, number("DMA0_SIZE0"))
    elif dimensions == "D1":
        data = memory.read_bytes(dma.source.region, dma.source.address, dma.source.length_bytes)
        memory.write_bytes(dma.destination.region, dma.destination.address, data)
    else:
        raise Unmodelled(f"a copy of kind {dimensions} without indices is not modelled")


def _copy_by_index(operation: Operation, memory: Bytes, plane: int, rows: int) -> None:
    dma = operation.dma
    assert dma is not None
    indices = _indices(operation, memory, plane, rows)
    gathers = dma.indexed == "source"
    indexed, other = ("SRC", "DST") if gathers else ("DST", "SRC")
    table, straight = (dma.source, dma.destination) if gathers else (dma.destination, dma.source)
    length = table.length_bytes
    if (indices == indices[0]).all():
        for row, index in enumerate(indices[0].tolist()):
            at, straight_at = _at(operation, indexed, plane, index), _at(operation, other, plane, row)
            if gathers:
                memory.write_bytes(straight.region, straight_at, memory.read_bytes(table.region, at, length))
            else:
                memory.write_bytes(table.region, at, memory.read_bytes(straight.region, straight_at, length))
        return
    # Memory is accessed for all sets of inputs at once, so where they differ, at all rows that an index may name.
    first, last = (_at(operation, indexed, plane, row) for row in (0, _most(operation)))
    read = memory.read_bytes(table.region, first, last - first + length)
    # A table of constants is the same in all sets, and read once.
    whole = np.broadcast_to(read, (len(indices), read.shape[1])).copy()
    sets = np.arange(len(indices))[:, None]
    for row in range(rows):
        bytes_of = indices[:, row, None] * _stride(operation, indexed, 0) + np.arange(length)
        straight_at = _at(operation, other, plane, row)
        if gathers:
            memory.write_bytes(straight.region, straight_at, whole[sets, bytes_of])
        else:
            whole[sets, bytes_of] = memory.read_bytes(straight.region, straight_at, length)
    if not gathers:
        memory.write_bytes(table.region, first, whole)


def _indices(operation: Operation, memory: Bytes, plane: int, rows: int) -> np.ndarray:
    """The indices of one plane, `[S, rows]`: 32 bits each, with a gap of DMA0_IDX_SKIP1 bytes between planes."""
    number = operation.registers.number
    skip = plane * (4 * rows + number("DMA0_IDX_SKIP1")) if plane else 0
    data = memory.read_bytes(number("DMA0_IDX_REGION"), number("DMA0_IDX") + skip, 4 * rows)
    indices = np.ascontiguousarray(data).view("<i4").astype(np.int64)
    if indices.min() < 0 or indices.max() > _most(operation):
        raise Fault(f"an index of a copy is not from 0 to {_most(operation)}")
    return indices


def _most(operation: Operation) -> int:
    return operation.registers.number("DMA0_IDX_MAX")


def _at(operation: Operation, end: str, plane: int, row: int) -> int:
    """The address of a row of `SRC` or `DST`. Strides that do not matter may not have been set."""
    address = operation.registers.number(f"DMA0_{end}")
    if row:
        address += row * _stride(operation, end, 0)
    if plane:
        address += plane * _stride(operation, end, 1)
    return address


def _stride(operation: Operation, end: str, which: int) -> int:
    return operation.registers.signed(f"DMA0_{end}_STRIDE{which}", 40)
