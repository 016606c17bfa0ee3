"""A stream's accesses replayed on its memories: what lies outside them, what nobody wrote, what nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from workers.ethos_u.command_stream.npu_program import IoTensor, NpuProgram
from workers.ethos_u.npu_model.accelerator import TABLE_BYTES, accelerator_of
from workers.ethos_u.npu_model.accesses.footprint import Access
from workers.ethos_u.npu_model.accesses.steps import Step
from workers.ethos_u.npu_model.memory.table_place import overwrites_tables
from workers.ethos_u.npu_model.static_checks.history import History
from workers.ethos_u.npu_model.violation import Violation

_CONSTANTS, _ARENA, _FAST = 0, 1, 2
# Copies are rounded up to so many bytes (Vela's InsertTransposeCommand and GenerateWeightDMA).
_COPIED_BYTES = 16


# Memories that are kept account of: nobody writes the constants.
_KEPT = (_ARENA, _FAST, None)


class _Touch(NamedTuple):
    """An access to one of them.

    Attributes:
        whose: the writer, as in `Replay`; of an output, its number.
        step, access: of an operation that reads.
    """

    region: int | None
    spans: np.ndarray
    does: Literal["read", "write", "forget"]
    whose: int
    step: Step | None = None
    access: Access | None = None


class Replay:
    """The accesses of a whole stream, replayed once.

    Attributes:
        violations: accesses outside a region, and reads of what nobody wrote.
        unread: what was written and never read, by arena and fast memory.
    """

    def __init__(self, program: NpuProgram, accelerator: str, steps: Sequence[Step], writers: Sequence[int]) -> None:
        """Replay a stream.

        Args:
            program: the stream and what belongs to it.
            accelerator: name of the NPU, as in `Decoded.accelerator`.
            steps: all of the stream, in order.
            writers: a number of at least 0 for each step. Steps that write parts of one tensor have the same. Inputs
                are -1, -2, ... in their order.
        """
        self._program, self._accelerator, self._steps = program, accelerator_of(accelerator), steps
        tables = self._accelerator.tables_at
        self._bounds: dict[int | None, tuple[int, int]] = {
            _CONSTANTS: (0, len(program.constants)),
            _ARENA: (0, program.arena_bytes),
            _FAST: (0, program.fast_bytes or 0),
            None: (tables, tables + TABLE_BYTES),
        }
        self.violations = list(self._outside())
        touches = list(self._touches(writers))
        self._histories = self._new_histories(touches)
        self.violations += self._replayed(touches)
        self.unread = {region: self._histories[region].unread() for region in (_ARENA, _FAST)}

    def region(self, region: int | None) -> int | None:
        # Region 2 is the arena itself unless the memory mode gives it a memory of its own.
        return _ARENA if region == _FAST and self._program.fast_bytes is None else region

    def _touches(self, writers: Sequence[int]) -> Iterator[_Touch]:
        """All accesses in their order, but for those of memories that are not kept account of."""
        tables = np.array([self._bounds[None]])
        for number, tensor in enumerate(self._program.inputs):
            yield _Touch(self.region(tensor.region), _bytes_of(tensor), "write", -1 - number)
        for step, writer in zip(self._steps, writers, strict=True):
            for access in step.footprint.reads:
                region = self.region(access.region)
                if region in _KEPT:
                    yield _Touch(region, access.spans, "read", writer, step, access)
            if overwrites_tables(step.operation, self._accelerator):
                yield _Touch(None, tables, "forget", writer)
            for access in step.footprint.writes:
                region = self.region(access.region)
                if region in _KEPT:
                    yield _Touch(region, access.spans, "write", writer)
        for number, tensor in enumerate(self._program.outputs):
            yield _Touch(self.region(tensor.region), _bytes_of(tensor), "read", number)

    def _new_histories(self, touches: Sequence[_Touch]) -> dict[int | None, History]:
        touched: dict[int | None, list[np.ndarray]] = {region: [] for region in _KEPT}
        for touch in touches:
            touched[touch.region].append(touch.spans)
        return {region: History(accesses) for region, accesses in touched.items()}

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

    def _replayed(self, touches: Sequence[_Touch]) -> Iterator[Violation]:
        places = {region: iter(history.places) for region, history in self._histories.items()}
        for touch in touches:
            history, place = self._histories[touch.region], next(places[touch.region])
            if touch.does == "write":
                history.write(place, touch.whose)
            elif touch.does == "forget":
                history.forget(place)
            elif unwritten := history.read(place):
                yield from _of_nobody(touch, unwritten)


def _of_nobody(touch: _Touch, unwritten: int) -> Iterator[Violation]:
    """What a read of bytes that nobody wrote amounts to."""
    step, access = touch.step, touch.access
    if step is None or access is None:
        yield Violation(None, f"{unwritten} bytes of output {touch.whose} are never written")
    elif unwritten >= (1 if step.operation.computes else _COPIED_BYTES):
        reason = f"its {access.what} reads {unwritten} bytes of {_name(access)} that nobody wrote"
        yield Violation(step.offset, reason)


def _bytes_of(tensor: IoTensor) -> np.ndarray:
    return np.array([[tensor.address, tensor.address + tensor.bytes]])


def _name(access: Access) -> str:
    return "the table memory" if access.region is None else f"region {access.region}"
