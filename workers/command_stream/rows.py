"""Which row of Vela's performance table an operation belongs to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from workers.command_stream.commands import StreamError
from workers.command_stream.operation import Operation
from workers.vela import OperatorCost


def rows_of(operations: Sequence[Operation], rows: Sequence[OperatorCost]) -> tuple[int, ...]:
    """The index in `rows` of every operation's row.

    A row lists, for each of its stripes, the last operation of a run: the copies that bring in weights and tables, then
    what computes (on U55 and U65 a transpose or a matrix product is hundreds of operations). So an operation belongs to
    the row that lists the first offset not before its own. A row that is `fused` into another may have no operations,
    and a row that is nothing but copies (U85's gather and scatter) lists none: copies by index go to those in turn.

    Args:
        operations: all operations of a stream, in order.
        rows: `workers.vela.Compiled.operators` of the same compilation.

    Raises:
        StreamError: an operation comes after the last one listed: the rows are of another program.
    """
    ends = sorted((offset, index) for index, row in enumerate(rows) for offset in row.stream_offsets)
    copying = [index for index, row in enumerate(rows) if not row.stream_offsets and not row.fused]
    found: list[int] = []
    turn = 0
    for operation in operations:
        at = bisect_left(ends, (operation.offset, 0))
        dma = operation.dma
        if dma is not None and copying and (dma.indexed or at == len(ends)):
            found.append(copying[min(turn, len(copying) - 1)])
            turn += bool(dma.indexed)
        elif at == len(ends):
            raise StreamError(f"no row of Vela's table has the operation at offset {operation.offset:#x}")
        else:
            found.append(ends[at][1])
    return tuple(found)
