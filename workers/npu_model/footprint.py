"""Which bytes an operation reads and writes, or a run of operations that differ in addresses only."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workers.command_stream import Operation, RegisterState
from workers.npu_model import spans
from workers.npu_model.accelerator import accelerator_of
from workers.npu_model.errors import Unmodelled
from workers.npu_model.placement import Moved, Rows, rows_of_map
from workers.npu_model.table_place import table_place

_INDEX_BYTES = 4
_BASES = re.compile(r"NPU_SET_\w+_BASE\d?")


@dataclass(frozen=True, eq=False)
class Access:
    """Bytes of one region that are read or written.

    Attributes:
        what: `IFM`, `IFM2`, `OFM`, `weights`, `scales`, `table`, `source`, `destination` or `indices`.
        region: base pointer that the bytes count from; None for memory inside the NPU.
        spans: the bytes, see `workers.npu_model.spans`.
    """

    what: str
    region: int | None
    spans: np.ndarray


@dataclass(frozen=True, eq=False)
class Footprint:
    """What an operation reads and writes, operand by operand."""

    reads: tuple[Access, ...]
    writes: tuple[Access, ...]


class Footprints:
    """The footprints of a stream's operations. What those have in common that differ in addresses is found out once.

    Every element of an IFM counts as read, those between strides too. The indices of a gather or scatter can point to
    anything in the indexed range, so that all of it is read or written.

    accelerator: as in `Decoded.accelerator`.
    """

    def __init__(self, accelerator: str) -> None:
        self._accelerator = accelerator
        self._patterns: dict[Hashable, _Pattern] = {}

    def of(self, operation: Operation, moved: Moved | None = None) -> Footprint:
        """What an operation reads and writes.

        Args:
            moved: makes the result that of all operations of a run whose first one `operation` is.

        Raises:
            Unmodelled: three tiles, or a copy in a mode that no known stream uses.
            StreamError: a register that is needed is not set.
        """
        if not operation.computes:
            return _copy(operation)
        key = (operation.kind, operation.parameter, operation.registers.pick(_BASES))
        pattern = self._patterns.get(key)
        if pattern is None:
            pattern = self._patterns[key] = _Pattern(operation, self._accelerator)
        return pattern.at(operation.registers, moved or {})


class _Pattern:
    """The accesses of a computation but for addresses."""

    def __init__(self, operation: Operation, accelerator: str) -> None:
        self._reads: list[tuple[str, int | None, Sequence[Rows]]] = []
        self._writes: list[tuple[str, int | None, Sequence[Rows]]] = []
        self._table = table_place(operation, accelerator_of(accelerator))
        # A pool that passes IFM2 on has an IFM register set, but the data come through IFM2 alone.
        ifm = None if operation.pooling_mode == "NONE" else operation.ifm
        for what, feature_map in (("IFM", ifm), ("IFM2", operation.ifm2)):
            if feature_map is not None and feature_map.in_memory:
                self._reads.append((what, feature_map.region, list(rows_of_map(operation, feature_map, what))))
        self._reads += _streams(operation)
        ofm = operation.ofm
        if ofm is not None and ofm.in_memory:
            self._writes.append(("OFM", ofm.region, list(rows_of_map(operation, ofm, "OFM"))))

    def at(self, registers: RegisterState, moved: Moved) -> Footprint:
        reads, writes = (
            [
                Access(what, region, spans.union([rows.at(registers, moved) for rows in parts]))
                for what, region, parts in accesses
                if parts  # a window can see nothing but padding
            ]
            for accesses in (self._reads, self._writes)
        )
        if self._table is not None:
            reads.append(Access("table", None, np.array([self._table])))
        return Footprint(tuple(reads), tuple(writes))


def _streams(operation: Operation) -> Iterator[tuple[str, int | None, Sequence[Rows]]]:
    """The weights and scales of each core that has any."""
    for what, first, parts in (("weights", "WEIGHT", operation.weights), ("scales", "SCALE", operation.scales)):
        names = (first, *(f"{first}{core}" for core in range(1, 4)))
        used = (name for name in names if operation.registers.get(f"NPU_SET_{name}_LENGTH"))
        for part, name in zip(parts, used, strict=False):
            yield what, part.region, [Rows(f"{name}_BASE", 0, (), part.length_bytes)]


def _copy(operation: Operation) -> Footprint:
    """What a copy reads and writes. Vela's GenerateDMA of each family defines the registers."""
    dma, get = operation.dma, operation.registers
    assert dma is not None
    length = dma.source.length_bytes
    repeats: dict[str, list[tuple[int, int]]] = {"source": [], "destination": []}
    indices: list[Access] = []
    if operation.family == "ethos-u85":
        dimensions = int(get.choice("DMA0_SRC_REGION", "stride_mode")[1:])
        count = get.number("DMA0_SIZE0") if dimensions > 1 else 1
        batches = get.number("DMA0_SIZE1") if dimensions > 2 else 1
        for end, register in (("source", "SRC"), ("destination", "DST")):
            if dma.indexed == end:
                repeats[end].append((get.number("DMA0_IDX_MAX") + 1, get.number(f"DMA0_{register}_STRIDE0")))
            elif dimensions > 1:
                repeats[end].append((count, get.number(f"DMA0_{register}_STRIDE0")))
            if dimensions > 2:
                repeats[end].append((batches, get.number(f"DMA0_{register}_STRIDE1")))
        if dma.indexed:
            apart = count * _INDEX_BYTES + (get.number("DMA0_IDX_SKIP1") if dimensions > 2 else 0)
            read = spans.rows(get.number("DMA0_IDX"), ((batches, apart),), count * _INDEX_BYTES)
            indices.append(Access("indices", get.number("DMA0_IDX_REGION"), read))
    elif {get.choice(f"DMA0_{end}_REGION", "stride_mode") for end in ("SRC", "DST")} != {"D1"}:
        raise Unmodelled(f"the copy at {operation.offset:#x} has several dimensions, which {operation.family} has not")
    source, destination = (
        Access(end, span.region, spans.rows(span.address, repeats[end], length))
        for end, span in (("source", dma.source), ("destination", dma.destination))
    )
    return Footprint((source, *indices), (destination,))
