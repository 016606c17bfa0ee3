"""Tasks that run in parallel.

Their results are reported in the order in which they were started.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Work = TypeVar("Work")
Found = TypeVar("Found")

#: So much may be reported and not kept.
_UNKEPT = 8


async def side_by_side(
    ask: Callable[[int, int], Sequence[Work]],
    find_out: Callable[[Work], Awaitable[Found]],
    tell: Callable[[Found], object],
    keep: Callable[[Sequence[Found]], object],
    is_dropped: Callable[[Work], bool],
    at_once: int,
) -> None:
    """Go on until nothing is asked for any more, and all is reported and kept.

    The slowest task delays only the reports of those after it. The oldest is reported as soon as it has an answer, and
    then more is asked for. The first error ends the rest.

    Args:
        ask: what to begin, given how many may begin and how many are still to be reported. It is asked again after each
            report.
        find_out: what is to be reported of it.
        tell: called in the order in which things were asked for.
        keep: writes down what was reported, in the same order. It gets several at once, when there is nothing to report
            or begin.
        is_dropped: returns True if the result of work under way will be discarded; asked after each result. The work
            is not stopped, since that would cost more than it does.
        at_once: so many are found out about at the same time.
    """
    waiting: deque[tuple[Work, asyncio.Future[Found]]] = deque()
    begun: list[asyncio.Future[Found]] = []
    reported: list[Found] = []
    try:
        while True:
            for one in ask(at_once - len(begun), len(waiting)):
                waiting.append((one, asyncio.ensure_future(find_out(one))))
                begun.append(waiting[-1][1])
            if not begun and not waiting:
                return
            await asyncio.sleep(0)  # what was asked for is begun before anything else is done
            oldest = waiting[0][1] if waiting else None  # none if all that was begun is dropped
            is_ready = oldest is not None and oldest.done()
            if reported and (len(reported) >= _UNKEPT or not is_ready):
                reported, to_keep = [], reported
                keep(to_keep)
            if not is_ready:
                await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
            for ended in [future for future in begun if future.done()]:
                ended.exception()  # asyncio complains of errors that nobody asks for, and this one may be dropped
                begun.remove(ended)
            if oldest is not None and oldest.done():
                waiting.popleft()
                tell(oldest.result())
                reported.append(oldest.result())
                waiting = deque((one, found) for one, found in waiting if not is_dropped(one))
    finally:
        for future in begun:
            future.cancel()
        if reported:
            keep(reported)
