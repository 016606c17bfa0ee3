"""The operations of a stream in groups that can be looked at as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.ethos_u.command_stream import Decoded, Operation, Run
from workers.ethos_u.npu_model.accesses.footprint import Footprint, Footprints
from workers.ethos_u.npu_model.accesses.placement import Moved


@dataclass(frozen=True, eq=False)
class Step:
    """Consecutive operations that differ in addresses only.

    None reads or writes what another one of them writes.

    Attributes:
        operation: the first one of the run that they belong to.
        offsets: of all of them, as in `Operation.offset`.
        moved: the address registers that differ between them, as `Decoded.addresses` has them.
        row: what they belong to, as given; None if that was not asked for.
        footprint: what they read and write together.
    """

    operation: Operation
    offsets: Sequence[int]
    moved: Moved
    row: int | None
    footprint: Footprint

    @property
    def offset(self) -> int:
        """Of the first of them."""
        return self.offsets[0]


def steps(decoded: Decoded, rows: Sequence[int] | None = None) -> Iterator[Step]:
    """All operations in order.

    Args:
        decoded: the stream.
        rows: something that each operation belongs to; a step has operations of one of them.

    Yields:
        Operations, or parts of a run whose operations do not touch each other.

    Raises:
        Unmodelled, StreamError: as `Footprints.of`.
    """
    footprints = Footprints(decoded.accelerator)
    done = 0
    for run in decoded.runs:
        count = len(run.offsets)
        moved = decoded.addresses(run) if count > 1 else {}
        begin = 0
        while begin < count:
            end, row = count, None
            if rows is not None:
                row = rows[done + begin]
                end = next((at for at in range(begin, count) if rows[done + at] != row), count)
            yield from _apart(footprints, run, moved, begin, end, row)
            begin = end
        done += count


def _apart(footprints: Footprints, run: Run, moved: Moved, begin: int, end: int, row: int | None) -> Iterator[Step]:
    part = {name: values[begin:end] for name, values in moved.items()}
    found = footprints.of(run.first, part)
    if end - begin == 1 or _independent(found, end - begin):
        yield Step(run.first, run.offsets[begin:end], part, row, found)
        return
    middle = (begin + end) // 2
    yield from _apart(footprints, run, moved, begin, middle, row)
    yield from _apart(footprints, run, moved, middle, end, row)


def _independent(found: Footprint, count: int) -> bool:
    for written in found.writes:
        if written.map_bytes is not None and written.bytes != count * written.map_bytes:
            return False
        if any(len(read.common(written)) for read in found.reads if read.region == written.region):
            return False
    return True
