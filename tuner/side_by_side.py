"""Work that goes on side by side and is told of in the order in which it was asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Work = TypeVar("Work")
Found = TypeVar("Found")


async def side_by_side(
    ask: Callable[[int], Sequence[Work]], find_out: Callable[[Work], Awaitable[Found]], tell: Callable[[Found], object]
) -> None:
    """Go on until nothing is asked for any more and all is told.

    The slowest holds nothing but what is to be told after it: the oldest is told of as soon as it has an answer, and
    then more is asked for. The first error ends the rest.

    Args:
        ask: what to begin, given how many are under way; asked again after each that was told.
        find_out: what is to be told of it.
        tell: called in the order in which things were asked for.
    """
    under_way: deque[asyncio.Future[Found]] = deque()
    try:
        while True:
            under_way += [asyncio.ensure_future(find_out(one)) for one in ask(len(under_way))]
            if not under_way:
                return
            tell(await under_way.popleft())
    finally:
        for one in under_way:
            one.cancel()
