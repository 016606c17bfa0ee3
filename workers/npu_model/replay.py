"""A stream's accesses replayed on its memories: what lies outside them, what nobody wrote, what nobody reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from workers.npu_model.accelerator import TABLE_BYTES, accelerator_of
from workers.npu_model.footprint import Access
from workers.npu_model.history import History
from workers.npu_model.program import IoTensor, NpuProgram
from workers.npu_model.steps import Step
from workers.npu_model.table_place import overwrites_tables
from workers.npu_model.violation import Violation

_CONSTANTS, _ARENA, _FAST = 0, 1, 2
# Copies are rounded up to so many bytes (Vela's InsertTransposeCommand and GenerateWeightDMA).
_COPIED_BYTES = 16


class Replay:
    """The accesses of a whole stream, replayed once.

    Attributes:
        violations: accesses outside a region, and reads of what nobody wrote.
        unread: what was written and never read, by arena and fast memory.
    """

    def __init__(self, program: NpuProgram, accelerator: str, steps: Sequence[Step], writers: Sequence[int]) -> None:
        """writers: a number of at least 0 for each step, the same for steps that write parts of the same tensor. Inputs
        are -1, -2, ... in their order."""
        self._program, self._accelerator, self._steps = program, accelerator_of(accelerator), steps
        tables = self._accelerator.tables_at
        self._bounds: dict[int | None, tuple[int, int]] = {
            _CONSTANTS: (0, len(program.constants)),
            _ARENA: (0, program.arena_bytes),
            _FAST: (0, program.fast_bytes or 0),
            None: (tables, tables + TABLE_BYTES),
        }
        self._histories = self._new_histories()
        self.violations = [*self._outside(), *self._replayed(writers)]
        self.unread = {region: self._histories[region].unread() for region in (_ARENA, _FAST)}

    def region(self, region: int | None) -> int | None:
        # Region 2 is the arena itself unless the memory mode gives it a memory of its own.
        return _ARENA if region == _FAST and self._program.fast_bytes is None else region

    def _new_histories(self) -> dict[int | None, History]:
        touched: dict[int | None, list[np.ndarray]] = defaultdict(list)
        for step in self._steps:
            for access in (*step.footprint.reads, *step.footprint.writes):
                touched[self.region(access.region)].append(access.spans)
        for tensor in (*self._program.inputs, *self._program.outputs):
            touched[self.region(tensor.region)].append(_bytes_of(tensor))
        touched[None].append(np.array([self._bounds[None]]))
        return {region: History(touched[region]) for region in (_ARENA, _FAST, None)}

    def _outside(self) -> Iterator[Violation]:
        for step in self._steps:
            for access in step.footprint.reads:
                yield from self._beyond(step, access, "reads")
            for access in step.footprint.writes:
                if access.region == _CONSTANTS:
                    yield Violation(step.offset, f"its {access.what} is written to the constants, which are read only")
                else:
                    yield from self._beyond(step, access, "writes")

    def _beyond(self, step: Step, access: Access, verb: str) -> Iterator[Violation]:
        bounds = self._bounds.get(self.region(access.region))
        if bounds is None:
            yield Violation(step.offset, f"its {access.what} is in region {access.region}, which does not exist")
        elif access.spans[0, 0] < bounds[0] or access.spans[-1, 1] > bounds[1]:
            first, end = access.spans[0, 0], access.spans[-1, 1]
            where = f"{_name(access)}, which has {bounds[0]} to {bounds[1]}"
            yield Violation(step.offset, f"its {access.what} {verb} bytes {first} to {end} of {where}")

    def _replayed(self, writers: Sequence[int]) -> Iterator[Violation]:
        inputs, outputs = self._program.inputs, self._program.outputs
        for number, tensor in enumerate(inputs):
            self._histories[self.region(tensor.region)].write(_bytes_of(tensor), -1 - number)
        tables = np.array([self._bounds[None]])
        for step, writer in zip(self._steps, writers, strict=True):
            for access in step.footprint.reads:
                history = self._histories.get(self.region(access.region))
                unwritten = 0 if history is None else history.read(access.spans)
                if unwritten >= (1 if step.operation.computes else _COPIED_BYTES):
                    yield Violation(
                        step.offset, f"its {access.what} reads {unwritten} bytes of {_name(access)} that nobody wrote"
                    )
            if overwrites_tables(step.operation, self._accelerator):
                self._histories[None].forget(tables)
            for access in step.footprint.writes:
                history = self._histories.get(self.region(access.region))
                if history is not None:
                    history.write(access.spans, writer)
        for number, tensor in enumerate(outputs):
            unwritten = self._histories[self.region(tensor.region)].read(_bytes_of(tensor))
            if unwritten:
                yield Violation(None, f"{unwritten} bytes of output {number} are never written")


def _bytes_of(tensor: IoTensor) -> np.ndarray:
    return np.array([[tensor.address, tensor.address + tensor.bytes]])


def _name(access: Access) -> str:
    return "the table memory" if access.region is None else f"region {access.region}"
