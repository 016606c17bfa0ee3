"""Work that goes on side by side and is told of in the order in which it was asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Work = TypeVar("Work")
Found = TypeVar("Found")

#: So much may be told and not kept.
_UNKEPT = 8


async def side_by_side(
    ask: Callable[[int], Sequence[Work]],
    find_out: Callable[[Work], Awaitable[Found]],
    tell: Callable[[Found], object],
    keep: Callable[[Sequence[Found]], object],
) -> None:
    """Go on until nothing is asked for any more, and all is told and kept.

    The slowest holds nothing but what is to be told after it: the oldest is told of as soon as it has an answer, and
    then more is asked for. The first error ends the rest.

    Args:
        ask: what to begin, given how many are under way; asked again after each that was told.
        find_out: what is to be told of it.
        tell: called in the order in which things were asked for.
        keep: writes down what was told, in the same order; several at once, when there is nothing to be told or begun.
    """
    under_way: deque[asyncio.Future[Found]] = deque()
    told: list[Found] = []
    try:
        while True:
            under_way += [asyncio.ensure_future(find_out(one)) for one in ask(len(under_way))]
            if not under_way:
                return
            await asyncio.sleep(0)  # what was asked for is begun before anything else is done
            if told and (len(told) >= _UNKEPT or not under_way[0].done()):
                told, to_keep = [], told
                keep(to_keep)
            found = await under_way.popleft()
            tell(found)
            told.append(found)
    finally:
        for one in under_way:
            one.cancel()
        if told:
            keep(told)
