"""Operations that may be under way at the same time although one needs that the other has ended.

Copies run beside computations and beside each other; what orders them is NPU_OP_DMA_WAIT and NPU_OP_KERNEL_WAIT.
Computations follow each other. But the first blocks of one may be read before the last blocks of its predecessor are
written. How many is in NPU_SET_BLOCKDEP.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workers.cache.lru import LRU
from workers.ethos_u.command_stream import Decoded, Operation
from workers.ethos_u.command_stream.npu_program import NpuProgram
from workers.ethos_u.npu_model.accelerator import TABLE_BYTES, accelerator_of
from workers.ethos_u.npu_model.accesses import spans
from workers.ethos_u.npu_model.accesses.footprint import Access, Footprint, Footprints, Operand
from workers.ethos_u.npu_model.accesses.placement import Moved
from workers.ethos_u.npu_model.accesses.steps import Step, steps
from workers.ethos_u.npu_model.memory.table_place import overwrites_tables
from workers.ethos_u.npu_model.violation import Violation
from workers.ethos_u.npu_model.waits.end_blocks import blocks_at_end

# How many may be under way (Vela's ethos_u55.hpp, ethos_u65.hpp and ethos_u85.hpp).
_MOST_COMPUTATIONS = 2
_MOST_COPIES = {"ethos-u55": 1, "ethos-u65": 2, "ethos-u85": 4}

_ARENA, _FAST = 1, 2
_KEPT = 1 << 14


def hazards(program: NpuProgram, decoded: Decoded, looked_at: Sequence[Step] | None = None) -> list[Violation]:
    """Where a stream lacks a wait or has too high a block dependency.

    Args:
        program: the stream and what belongs to it.
        decoded: of `program.command_stream`.
        looked_at: its steps, where they are at hand.

    Returns:
        Of every operation that may start too early: the other one that is under way, and the effect.

    Raises:
        Unmodelled, StreamError: the stream has something in it that is not known.
    """
    return list(_Timeline(program, decoded).violations(steps(decoded) if looked_at is None else looked_at))


@dataclass(frozen=True, eq=False)
class _Started:
    """An operation that was started.

    Attributes:
        operation: itself but for addresses.
        moved: its address registers, where they differ from those of `operation`.
        offset: where it is.
        footprint: what it reads and writes.
    """

    operation: Operation
    moved: Moved
    offset: int
    footprint: Footprint


class _Timeline:
    """The operations that may be under way, as the stream goes on.

    Computations that hand results to each other inside the NPU (U85) run, and are waited for, as one.
    """

    def __init__(self, program: NpuProgram, decoded: Decoded) -> None:
        self._one_memory = program.fast_bytes is None
        self._accelerator = decoded.accelerator
        self._footprints = Footprints(decoded.accelerator)
        self._computations: deque[list[_Started]] = deque(maxlen=_MOST_COMPUTATIONS)
        self._copies: deque[list[_Started]] = deque(maxlen=_MOST_COPIES[decoded.accelerator.rpartition("-")[0]])
        self._before: list[_Started] = []

    def violations(self, looked_at: Iterable[Step]) -> Iterator[Violation]:
        chain: list[_Started] | None = None
        for step in looked_at:
            operation = step.operation
            if step.offset == operation.offset:
                _wait(self._computations, operation.kernel_wait)
                _wait(self._copies, operation.dma_wait)
            reads, writes = self._accesses(step.operation, step.footprint)
            yield from self._conflicts(step, reads, writes, self._copies, "copy")
            if not operation.computes:
                yield from self._conflicts(step, reads, writes, self._computations, "computation")
                self._copies.append([self._alone(step, 0)])
                continue
            yield from self._too_early(self._alone(step, 0))
            # Of many operations, only the last ones can still be under way when the next step starts.
            count = len(step.offsets)
            for at in range(max(0, count - _MOST_COMPUTATIONS), count):
                if chain is None:
                    chain = []
                    self._computations.append(chain)
                chain.append(self._alone(step, at))
                if not step.footprint.chained:
                    self._before, chain = chain, None

    def _alone(self, step: Step, at: int) -> _Started:
        """One operation of a step."""
        if len(step.offsets) == 1:
            return _Started(step.operation, step.moved, step.offset, step.footprint)
        moved = {name: values[at : at + 1] for name, values in step.moved.items()}
        return _Started(step.operation, moved, step.offsets[at], self._footprints.of(step.operation, moved))

    def _region(self, region: int | None) -> int | None:
        return _ARENA if region == _FAST and self._one_memory else region

    def _accesses(self, operation: Operation, footprint: Footprint) -> tuple[list[Access], list[Access]]:
        """What is read and written, the tables inside the NPU that are destroyed among it."""
        writes = list(footprint.writes)
        accelerator = accelerator_of(self._accelerator)
        if overwrites_tables(operation, accelerator):
            tables = accelerator.tables_at
            writes.append(Access("accumulators", None, np.array([[tables, tables + TABLE_BYTES]])))
        return list(footprint.reads), writes

    def _conflicts(
        self, step: Step, reads: list[Access], writes: list[Access], running: Iterable[list[_Started]], what: str
    ) -> Iterator[Violation]:
        """What a step does to what operations that may be under way read or write."""
        for other in (one for group in running for one in group):
            others_reads, others_writes = self._accesses(other.operation, other.footprint)
            for verb, mine, theirs, their_verb in (
                ("reads", reads, others_writes, "write"),
                ("writes", writes, others_reads, "read"),
                ("writes", writes, others_writes, "write"),
            ):
                found = self._first_common(mine, theirs)
                if found is not None:
                    access, both = found
                    yield Violation(
                        step.offset,
                        f"its {access.what} {verb} bytes {both[0, 0]} to {both[-1, 1]}, which the {what} at "
                        f"{other.offset:#x} may not have come to {their_verb} yet",
                    )
                    break

    def _first_common(self, mine: list[Access], theirs: list[Access]) -> tuple[Access, np.ndarray] | None:
        for one in mine:
            for other in theirs:
                if self._region(one.region) == self._region(other.region):
                    both = one.common(other)
                    if len(both):
                        return one, both
        return None

    def _too_early(self, started: _Started) -> Iterator[Violation]:
        """What a computation reads in its first blocks that the one before writes in its last."""
        operation, accelerator = started.operation, accelerator_of(self._accelerator)
        most = operation.blockdep or 0
        if not most:
            return
        for before in self._before:
            if overwrites_tables(operation, accelerator) and any(one.what == "table" for one in before.footprint.reads):
                yield Violation(
                    started.offset, f"it overwrites the table that the computation at {before.offset:#x} uses"
                )
            for what in self._met(started, before, most):
                yield Violation(
                    started.offset,
                    f"BLOCKDEP {operation.blockdep} lets its {what} be read before the computation at "
                    f"{before.offset:#x} has written it",
                )

    def _met(self, started: _Started, before: _Started, most: int) -> Sequence[str]:
        """The operands of which the first blocks are read while the last blocks of the one before are written."""
        reads = [
            (read, written)
            for written in before.footprint.writes
            for read in started.footprint.reads
            if self._region(read.region) == self._region(written.region) and len(read.common(written))
        ]
        if not reads:
            return ()
        if started.moved or before.moved:
            return self._found_met(reads, started, before, most)
        # All that it depends on. How far from each other things lie is often the same where they lie elsewhere.
        apart = tuple(
            (read.what, *(base - written.bases[0] for base in (*read.bases, *written.bases))) for read, written in reads
        )
        key = started.footprint.alike, before.footprint.alike, apart, most, self._accelerator
        return _met.find(key, lambda: self._found_met(reads, started, before, most))

    def _found_met(
        self, reads: Sequence[tuple[Access, Access]], started: _Started, before: _Started, most: int
    ) -> Sequence[str]:  # fmt: skip
        return tuple(read.what for read, _ in reads if self._blocks_meet(started, read, before, most))

    def _blocks_meet(self, started: _Started, read: Access, before: _Started, most: int) -> bool:
        if read.what not in ("IFM", "IFM2"):
            return True
        first = blocks_at_end(started.footprint.alike, read.what, self._accelerator, most)
        last = blocks_at_end(before.footprint.alike, "OFM", self._accelerator, most)
        # Mostly, the beginning of the one and the end of the other are far from each other.
        if not _common(_bytes(started, first.around), _bytes(before, last.around)):
            return False
        written = [_bytes(before, block) for block in last.each]
        return any(
            _common(_bytes(started, block), others)
            for at, block in enumerate(first.each)
            for others in written[: most - at]
        )


#: Of a search's candidates most have most operations in common, those before them and their addresses too.
_met: LRU[Sequence[str]] = LRU(_KEPT)


def _common(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether there are bytes in both."""
    return len(spans.common(first, second)) > 0


def _bytes(started: _Started, part: Operand) -> np.ndarray:
    """The bytes of a part of a feature map."""
    return part.at(started.operation.registers, started.moved).spans


def _wait(running: deque[list[_Started]], left: int | None) -> None:
    """Let so many go on at most."""
    while left is not None and len(running) > left:
        running.popleft()
