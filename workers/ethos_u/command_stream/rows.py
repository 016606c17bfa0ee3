"""Which row of Vela's performance table an operation belongs to."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workers.ethos_u.command_stream.commands import StreamError
from workers.ethos_u.command_stream.decode import Decoded

if TYPE_CHECKING:
    from workers.ethos_u.command_stream.operator_cost import OperatorCost


def rows_of(decoded: Decoded, rows: Sequence[OperatorCost]) -> tuple[int, ...]:
    """The index in `rows` of every operation's row.

    A row lists, for each of its stripes, the last of its operations. Those are the copies that bring in weights and
    tables, then what computes. On U55 and U65 a transpose or a matrix product is hundreds of operations. So an
    operation belongs to the row that lists the first offset not before its own. A row that is `fused` into another may
    have no operations. A row that is nothing but copies (U85's gather and scatter) lists none. Copies by index go to
    those in turn.

    Args:
        decoded: the stream.
        rows: `workers.ethos_u.vela.compiler.Compiled.operators` of the same compilation.

    Returns:
        One index for each operation.

    Raises:
        StreamError: an operation comes after the last one listed: the rows are of another program.
    """
    ends = sorted((offset, index) for index, row in enumerate(rows) for offset in row.stream_offsets)
    copying = [index for index, row in enumerate(rows) if not row.stream_offsets and not row.fused]
    found: list[int] = []
    turn = 0
    for run in decoded.runs:
        at = bisect_left(ends, (run.offsets[0], 0))
        dma = run.first.dma
        if dma is not None and copying and (dma.indexed or at == len(ends)):
            found.append(copying[min(turn, len(copying) - 1)])
            turn += bool(dma.indexed)
            continue
        left = run.offsets
        while left:
            if at == len(ends):
                raise StreamError(f"no row of Vela's table has the operation at offset {left[0]:#x}")
            own = bisect_right(left, ends[at][0])
            found += [ends[at][1]] * own
            left = left[own:]
            at = bisect_left(ends, (left[0], 0)) if left else at
    return tuple(found)
