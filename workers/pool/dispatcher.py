"""Which worker takes which call, and what becomes of the calls of a worker that is lost. Knows nothing of Ray.

A worker at work is sent one call more, which waits in its process for its turn. So no time is lost between two calls on
the way to the driver and back. Calls begin in the order in which they were made, but for those that wait so. One that
has waited long goes back into the line, in its old place. So does one that waits while another worker has nothing to
do.
"""

from __future__ import annotations

import asyncio
import heapq
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Literal

from workers.pool.worker_process import Answer

Loss = Literal["crashed", "timed out"]

AHEAD_SECONDS = 0.25
"""For so long a call waits behind another one in a worker while the line is not empty. What takes longer gains little
from no time being lost after it."""


class Lost(Exception):
    """The worker of this call is gone, or must go."""

    def __init__(self, kind: Loss, detail: str, is_innocent: bool = False) -> None:
        """Say how.

        Args:
            kind: whether it crashed or was too slow.
            detail: one line.
            is_innocent: it said nothing of a crash: what it ran need not be to blame.
        """
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.is_innocent = is_innocent
        """It said nothing of a crash: what it ran need not be to blame."""


@dataclass(eq=False)
class Call:
    """What a worker is to do.

    Attributes:
        number: its place in the line.
        timeout_seconds: from its turn in its worker.
        is_alone: no other one is before it in its worker, or waits behind it.
        answer: may also be `Lost`, or what asking for it raises.
    """

    number: int
    function: Callable[..., object]
    args: tuple[object, ...]
    timeout_seconds: float
    is_alone: bool
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Worker(ABC):
    """A process that does what it is asked for in order, one after the other."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.sent: deque[_Sent] = deque()
        self.retires = False

    @abstractmethod
    def ask(self, call: Call) -> asyncio.Future[Answer]:
        """Send a call. What comes back may also be `Lost`; it is cancelled if the call was withdrawn in time."""

    @abstractmethod
    def withdraw(self, asked: asyncio.Future[Answer]) -> None:
        """What was asked for so is not to be done, unless it has begun."""

    @abstractmethod
    def too_late(self, call: Call) -> Lost:
        """What is said of it if it does not answer in time."""


@dataclass(eq=False)
class _Sent:
    """A call in a worker.

    Attributes:
        since: when it came there, or when its turn came; seconds of the event loop's clock.
    """

    call: Call
    worker: Worker
    asked: asyncio.Future[Answer]
    since: float
    limit: asyncio.TimerHandle | None = None


class HandOut:
    """The line of calls, and the workers that are up.

    Args:
        has_grown: whether a worker with this answer is to be replaced when it has done its work.
        gone: called for each worker that is lost, or to be replaced: it gets no more calls.
    """

    def __init__(self, has_grown: Callable[[Answer], bool], gone: Callable[[Worker], None]) -> None:
        """Begin without calls and workers.

        Args:
            has_grown: whether a worker holds too much memory after an answer, and retires.
            gone: called with each worker that is lost or retires.
        """
        self._has_grown, self._gone = has_grown, gone
        self._line: list[tuple[int, Call]] = []
        self._up: set[Worker] = set()
        self._idle: deque[Worker] = deque()
        self._room: dict[Worker, None] = {}  # at work on one call; the one that began last is last
        self._ahead: dict[_Sent, None] = {}  # those that wait in a worker, the oldest first
        self._where: dict[Call, _Sent] = {}

    def is_waited_for(self) -> bool:
        """Whether a call is in line."""
        return any(not call.answer.done() for _, call in self._line)

    def add(self, worker: Worker) -> None:
        """A worker is up."""
        self._up.add(worker)
        self._idle.append(worker)
        self._hand_out()

    def enter(self, call: Call) -> None:
        """Get in line."""
        heapq.heappush(self._line, (call.number, call))
        self._hand_out()

    def leave(self, call: Call) -> None:
        """Nobody waits for a call any more. If it is being done, there is no other way to stop it than its worker's
        end."""
        call.answer.cancel()
        sent = self._where.get(call)
        if sent is None:
            return
        if sent.worker.sent[0] is sent:
            self._lose(sent.worker, None)
        else:
            self._withdraw(sent)

    def fail(self, error: Exception) -> None:
        """There are no workers for those in line."""
        for _, call in self._line:
            if not call.answer.done():
                call.answer.set_exception(error)
        self._line.clear()

    def close(self) -> None:
        """No call is answered any more, and no worker is taken any more."""
        for call in (*(call for _, call in self._line), *self._where):
            call.answer.cancel()
        for worker in self._up:
            for sent in worker.sent:
                _end(sent.limit)
            worker.sent.clear()
        self._line.clear()
        self._where.clear()

    def _hand_out(self) -> None:
        if self._ahead and (self._idle or self._room):
            self._take_back()
        while self._line:
            _, call = self._line[0]
            if not call.answer.done():
                worker = self._room_for(call)
                if worker is None:
                    return
                self._send(call, worker)
            heapq.heappop(self._line)

    def _take_back(self) -> None:
        """Into the line again: what workers have room for that are idle, and what has waited too long."""
        long_ago = asyncio.get_running_loop().time() - AHEAD_SECONDS
        idle = len(self._idle) - len(self._line)
        most = len(self._idle) + len(self._room)
        for at, sent in enumerate(list(islice(self._ahead, most))):
            if at >= idle and sent.since > long_ago:
                return
            self._withdraw(sent)
            heapq.heappush(self._line, (sent.call.number, sent.call))

    def _room_for(self, call: Call) -> Worker | None:
        if self._idle:
            return self._idle.popleft()
        worker = next(reversed(self._room), None)
        if call.is_alone or worker is None:
            return None
        long_ago = asyncio.get_running_loop().time() - AHEAD_SECONDS
        return worker if worker.sent[0].since > long_ago else None

    def _send(self, call: Call, worker: Worker) -> None:
        try:
            asked = worker.ask(call)
        except Exception as error:  # its arguments do not travel
            call.answer.set_exception(error)
            if not worker.sent:
                self._idle.appendleft(worker)
            return
        sent = _Sent(call, worker, asked, asyncio.get_running_loop().time())
        self._where[call] = sent
        worker.sent.append(sent)
        asked.add_done_callback(partial(self._came_back, sent))
        if len(worker.sent) == 1:
            self._begin(sent)
        else:
            self._room.pop(worker, None)
            self._ahead[sent] = None

    def _begin(self, sent: _Sent) -> None:
        """It is its worker's turn to do it, as far as is known here."""
        loop, worker = asyncio.get_running_loop(), sent.worker
        self._ahead.pop(sent, None)
        sent.since = loop.time()
        seconds = sent.call.timeout_seconds
        sent.limit = loop.call_later(seconds, lambda: self._lose(worker, worker.too_late(sent.call)))
        if not sent.call.is_alone and not worker.retires:
            self._room[worker] = None

    def _withdraw(self, sent: _Sent) -> None:
        """It stays in its worker's line until the worker says so: it may have begun in this very moment."""
        self._ahead.pop(sent, None)
        self._where.pop(sent.call, None)
        sent.worker.withdraw(sent.asked)

    def _came_back(self, sent: _Sent, asked: asyncio.Future[Answer]) -> None:
        error = None if asked.cancelled() else asked.exception()
        worker, call = sent.worker, sent.call
        if sent not in worker.sent:  # its worker was lost before
            return
        if isinstance(error, Lost):
            self._lose(worker, error)
            return
        _end(sent.limit)
        self._ahead.pop(sent, None)
        if self._where.get(call) is sent:
            del self._where[call]
        if not asked.cancelled():
            # Also if it was withdrawn too late: then it is done twice, and the first answer counts.
            if not call.answer.done():
                _settle(call.answer, asked)
            worker.retires |= error is None and self._has_grown(asked.result())
        self._next(worker, sent)
        self._hand_out()

    def _next(self, worker: Worker, done: _Sent) -> None:
        first = worker.sent[0]
        worker.sent.remove(done)
        if worker.sent:
            if first is done:
                self._room.pop(worker, None)
                self._begin(worker.sent[0])
            elif not (worker.retires or first.call.is_alone):
                self._room[worker] = None
            return
        self._room.pop(worker, None)
        if worker.retires:
            self._up.discard(worker)
            self._gone(worker)
        else:
            self._idle.append(worker)

    def _lose(self, worker: Worker, error: Lost | None) -> None:
        """The call whose turn it was gets the loss as its answer. What waited for it gets in line again, with nothing
        held against it. error: None if nobody waits for the first one."""
        first, *behind = worker.sent
        worker.sent.clear()
        self._up.discard(worker)
        self._room.pop(worker, None)
        _end(first.limit)
        for sent in behind:
            self._ahead.pop(sent, None)
            if self._where.get(sent.call) is sent:
                del self._where[sent.call]
                # Who is to blame is sure only where nothing else is in the process: an answer may die with it.
                sent.call.is_alone = True
                heapq.heappush(self._line, (sent.call.number, sent.call))
        if self._where.get(first.call) is first:
            del self._where[first.call]
            if error is not None and not first.call.answer.done():
                first.call.answer.set_exception(error)
        self._gone(worker)
        self._hand_out()


def _settle(answer: asyncio.Future[Answer], asked: asyncio.Future[Answer]) -> None:
    error = asked.exception()
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(asked.result())


def _end(limit: asyncio.TimerHandle | None) -> None:
    if limit is not None:
        limit.cancel()
