"""A job's progress as server-sent events, read from the file that its process writes.

An event's id is the number of its line. So a client that was cut off resumes after the last one it saw.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

EVENTS = ("lowering", "warning", "searching", "evaluated", "best", "failed")
"""What a job's process tells."""

_LOOK_SECONDS = 0.25
_COMMENT_SECONDS = 15.0
"""Proxies cut connections on which nothing comes."""


async def follow(path: Path, after: int, last: Callable[[], str | None]) -> AsyncIterator[bytes]:
    """Events with ids greater than `after`, as they come.

    Args:
        path: of one JSON object per line, each with an `event`; it need not be there yet.
        after: id of the last event that the client has seen; 0 for all.
        last: the data of the final event, `end`, or None while there will be more. Called in a thread.

    Yields:
        Server-sent events in UTF-8, with a comment in between where nothing came for 15 s.
    """
    number, offset, spoken = 0, 0, time.monotonic()
    while True:
        # Asked before reading: what was written before the end is then read after it.
        end = await asyncio.to_thread(last)
        lines, offset = await asyncio.to_thread(_lines, path, offset)
        for line in lines:
            number += 1
            if number > after:
                yield format_sse_event(data_str=line, event=_kind(line), id=str(number))
                spoken = time.monotonic()
        if end is not None:
            yield format_sse_event(data_str=end, event="end")
            return
        if time.monotonic() - spoken > _COMMENT_SECONDS:
            yield KEEPALIVE_COMMENT
            spoken = time.monotonic()
        await asyncio.sleep(_LOOK_SECONDS)


def _lines(path: Path, offset: int) -> tuple[list[str], int]:
    """Whole lines from a place on, and where they end."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            whole, newline, _ = file.read().rpartition(b"\n")
    except FileNotFoundError:
        return [], offset
    return whole.decode("utf-8", "replace").split("\n") if newline else [], offset + len(whole) + len(newline)


def _kind(line: str) -> str:
    try:
        return str(json.loads(line)["event"])
    except (ValueError, KeyError, TypeError):
        return "damaged"
