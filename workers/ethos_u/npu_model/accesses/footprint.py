"""Which bytes an operation reads and writes, or a run of operations that differ in addresses only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workers.cache.lru import LRU
from workers.ethos_u.command_stream import Operation, RegisterState
from workers.ethos_u.npu_model.accelerator import accelerator_of
from workers.ethos_u.npu_model.accesses import spans
from workers.ethos_u.npu_model.accesses.placement import Moved, Rows, rows_of_map
from workers.ethos_u.npu_model.errors import Unmodelled
from workers.ethos_u.npu_model.memory.table_place import table_place

_INDEX_BYTES = 4
_KEPT_BYTES = 32 << 20
_PATTERN_BYTES, _FOOTPRINT_BYTES = 1 << 12, 1 << 10
_BASES = re.compile(r"NPU_SET_\w+_BASE\d?")


@dataclass(frozen=True, eq=False)
class Access:
    """Bytes of one region that are read or written.

    Attributes:
        what: `IFM`, `IFM2`, `OFM`, `weights`, `scales`, `table`, `source`, `destination` or `indices`.
        region: base pointer that the bytes count from; None for memory inside the NPU.
        spans: the bytes, see `workers.ethos_u.npu_model.accesses.spans`.
        map_bytes: of a feature map, the bytes of its elements if no two share a place; else None.
        known_bytes: how many bytes there are, if that was found out before.
        bases: the addresses that the bytes count from, of a single operation.
    """

    what: str
    region: int | None
    spans: np.ndarray
    map_bytes: int | None = None
    known_bytes: int | None = None
    bases: tuple[int, ...] = ()

    @property
    def bytes(self) -> int:
        """How many bytes there are."""
        return spans.size(self.spans) if self.known_bytes is None else self.known_bytes

    @property
    def reach(self) -> tuple[int, int]:
        """Its first byte and the end of its last span; nothing lies in two empty reaches."""
        return (int(self.spans[0, 0]), int(self.spans[-1, 1])) if len(self.spans) else (0, 0)

    def common(self, other: Access) -> np.ndarray:
        """The addresses that both have, in whichever regions they are."""
        (first, end), (other_first, other_end) = self.reach, other.reach
        return spans.common(self.spans, other.spans) if first < other_end and other_first < end else spans.NOTHING


@dataclass(frozen=True, eq=False)
class Footprint:
    """What an operation reads and writes, operand by operand.

    Attributes:
        alike: an operation that may differ from it in addresses; the same object for all that do.
        ofm_bytes: of the elements that it computes and does not leave in the accumulators; 0 of a copy.
        chained: it hands them to the next operation inside the NPU (U85).
    """

    reads: tuple[Access, ...]
    writes: tuple[Access, ...]
    alike: Operation
    ofm_bytes: int = 0
    chained: bool = False

    @property
    def size_bytes(self) -> int:
        """What its spans take in this process."""
        return sum(one.spans.nbytes for one in (*self.reads, *self.writes))


class Footprints:
    """The footprints of a stream's operations. What those have in common that differ in addresses is found out once,
    and kept for other streams.

    Every element of an IFM counts as read, those between strides too. The indices of a gather or scatter can point to
    anything in the indexed range. So all of it counts as read or written.

    Attributes:
        accelerator: as in `Decoded.accelerator`.
    """

    def __init__(self, accelerator: str) -> None:
        self._accelerator = accelerator

    def of(self, operation: Operation, moved: Moved | None = None) -> Footprint:
        """What an operation reads and writes.

        Args:
            operation: of the stream that the footprints are of.
            moved: makes the result that of all operations of a run whose first one `operation` is.

        Returns:
            The bytes that it reads and writes.

        Raises:
            Unmodelled: three tiles, or a copy in a mode that no known stream uses.
            StreamError: a register that is needed is not set.
        """
        if not operation.computes:
            return _copy(operation)
        key = (self._accelerator, operation.kind, operation.parameter, operation.registers.pick(_BASES))
        pattern = _patterns.find(key, lambda: _Pattern(operation, self._accelerator))
        if moved:
            return pattern.at(operation.registers, moved)
        # Between two chaining buffers (U85) nothing has an address.
        place = pattern, operation.registers.take(pattern.bases) if pattern.bases else ()
        return _footprints.find(place, lambda: pattern.at(operation.registers, {}))


@dataclass(frozen=True, eq=False)
class Operand:
    """An access but for addresses.

    Attributes:
        parts: all of it.
        register: what all parts count from, if that is the same. Spans and bytes then hold for 0.
    """

    what: str
    region: int | None
    parts: Sequence[Rows]
    map_bytes: int | None
    register: str | None
    at_zero: np.ndarray
    bytes: int

    @classmethod
    def of(cls, what: str, region: int | None, parts: Sequence[Rows], map_bytes: int | None = None) -> Operand:
        """What is made of parts of a feature map, or of other bytes.

        Args:
            what: as in `Access`.
            region: as in `Access`; None for the memory inside the NPU.
            parts: the rows.
            map_bytes: as in `Access`; None where it is no feature map.

        Returns:
            The operand, whose place follows the register if all parts follow the same one.
        """
        names = {rows.register for rows in parts}
        if len(names) > 1:
            return cls(what, region, parts, map_bytes, None, spans.NOTHING, 0)
        at_zero = spans.union([rows.at_zero for rows in parts])
        return cls(what, region, parts, map_bytes, names.pop(), at_zero, spans.size(at_zero))

    def at(self, registers: RegisterState, moved: Moved) -> Access:
        """Where an operand is.

        Args:
            registers: of the operation, or of the first one of a run.
            moved: addresses in all operations of a run, by register; empty for one operation.

        Returns:
            The access.
        """
        if self.register is not None and not (moved and f"NPU_SET_{self.register}" in moved):
            base = registers.number(self.register)
            return Access(self.what, self.region, self.at_zero + base, self.map_bytes, self.bytes, (base,))
        found = spans.union([rows.at(registers, moved) for rows in self.parts])
        bases = () if moved else tuple(registers.number(rows.register) for rows in self.parts)
        return Access(self.what, self.region, found, self.map_bytes, bases=bases)


class _Pattern:
    """The accesses of a computation but for addresses."""

    def __init__(self, operation: Operation, accelerator: str) -> None:
        reads: list[Operand] = []
        writes: list[Operand] = []
        # A pool that passes IFM2 on has an IFM register set, but the data come through IFM2 alone.
        ifm = None if operation.pooling_mode == "NONE" else operation.ifm
        for what, feature_map in (("IFM", ifm), ("IFM2", operation.ifm2), ("OFM", operation.ofm)):
            if feature_map is not None and feature_map.in_memory:
                parts = list(rows_of_map(operation, feature_map, what))
                if parts:  # a window can see nothing but padding
                    one = Operand.of(what, feature_map.region, parts, feature_map.bytes)
                    (writes if what == "OFM" else reads).append(one)
        reads += _streams(operation)
        self._operation = operation
        self._reads, self._writes = reads, writes
        table = table_place(operation, accelerator_of(accelerator))
        self._tables = [] if table is None else [Access("table", None, np.array([table]))]
        ofm = operation.ofm
        self._chained = ofm is not None and ofm.storage == "CHAINED"
        self._ofm_bytes = 0 if ofm is None or ofm.storage == "NONE" else ofm.bytes
        self.size_bytes = sum(one.at_zero.nbytes for one in (*reads, *writes))
        #: The registers that addresses count from.
        self.bases = tuple(sorted({f"NPU_SET_{rows.register}" for one in (*reads, *writes) for rows in one.parts}))

    def at(self, registers: RegisterState, moved: Moved) -> Footprint:
        reads = [*(one.at(registers, moved) for one in self._reads), *self._tables]
        writes = [one.at(registers, moved) for one in self._writes]
        return Footprint(tuple(reads), tuple(writes), self._operation, self._ofm_bytes, self._chained)


#: Of a search's candidates most operations differ in addresses only.
_patterns: LRU[_Pattern] = LRU(_KEPT_BYTES, size=lambda one: _PATTERN_BYTES + one.size_bytes)

#: And many are at the same addresses too.
_footprints: LRU[Footprint] = LRU(_KEPT_BYTES, size=lambda one: _FOOTPRINT_BYTES + one.size_bytes)


def _streams(operation: Operation) -> Iterator[Operand]:
    """The weights and scales of each core that has any."""
    for what, first, parts in (("weights", "WEIGHT", operation.weights), ("scales", "SCALE", operation.scales)):
        names = (first, *(f"{first}{core}" for core in range(1, 4)))
        used = (name for name in names if operation.registers.get(f"NPU_SET_{name}_LENGTH"))
        for part, name in zip(parts, used, strict=False):
            yield Operand.of(what, part.region, [Rows(f"{name}_BASE", 0, (), part.length_bytes)])


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
    return Footprint((source, *indices), (destination,), operation)
