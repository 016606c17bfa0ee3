"""Who gets which call, with workers whose answers the test gives."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count

import pytest

from workers.pool.dispatcher import AHEAD_SECONDS, Call, HandOut, Lost, Worker
from workers.pool.worker_process import Answer

GROWN = 100


class Scripted(Worker):
    """A worker that does what it was sent when the test says so."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.has: deque[tuple[int, asyncio.Future[Answer]]] = deque()
        self.withdrawn: list[int] = []

    def ask(self, call: Call) -> asyncio.Future[Answer]:
        if call.args:
            raise TypeError(call.args[0])
        asked: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.has.append((call.number, asked))
        return asked

    def withdraw(self, asked: asyncio.Future[Answer]) -> None:
        self.withdrawn += [number for number, other in self.has if other is asked]

    def too_late(self, call: Call) -> Lost:
        return Lost("timed out", "timed out")

    async def answer(self, grown_bytes: int = 0) -> int:
        """Do the first; those that were withdrawn say so when it is their turn."""
        number, asked = self.has.popleft()
        asked.set_result(Answer(True, number, grown_bytes, 0.0))
        await asyncio.sleep(0)
        while self.has and self.has[0][0] in self.withdrawn:
            self.has.popleft()[1].cancel()
            await asyncio.sleep(0)
        return number

    async def die(self) -> None:
        """What Ray then says of all that it had, in any order."""
        for _, asked in reversed(self.has):
            asked.set_exception(Lost("crashed", "crashed"))
        await asyncio.sleep(0)

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.has]


class Line:
    """A hand-out over some workers; `gone` are those that it gave up."""

    def __init__(self, workers: int) -> None:
        self.gone: list[Worker] = []
        self.out = HandOut(lambda answer: answer.grown_bytes >= GROWN, self.gone.append)
        self.workers = [Scripted(number) for number in range(workers)]
        for worker in self.workers:
            self.out.add(worker)
        self._numbers = count()

    def enter(self, many: int, timeout_seconds: float = 60.0, is_alone: bool = False) -> list[Call]:
        calls = [Call(next(self._numbers), print, (), timeout_seconds, is_alone) for _ in range(many)]
        for call in calls:
            self.out.enter(call)
        return calls

    @property
    def numbers(self) -> list[list[int]]:
        return [worker.numbers for worker in self.workers]


def test_a_worker_at_work_has_one_call_more() -> None:
    async def scenario() -> None:
        line = Line(2)
        line.enter(6)
        assert sorted(line.numbers) == [[0, 3], [1, 2]] and line.out.is_waited_for()
        await line.workers[0].answer()
        assert sorted(map(sorted, line.numbers)) == [[1, 2], [3, 4]]

    asyncio.run(scenario())


def test_who_has_nothing_to_do_takes_over_what_waits_behind_another() -> None:
    async def scenario() -> None:
        line = Line(2)
        calls = line.enter(4)
        slow, quick = line.workers
        for _ in range(2):
            await quick.answer()
        assert slow.numbers == [0, 3] and slow.withdrawn == [3] and quick.numbers == [3]
        await quick.answer()
        assert calls[3].answer.result().value == 3
        await slow.answer()
        assert calls[0].answer.result().value == 0 and line.numbers == [[], []]
        line.enter(1)
        assert sorted(line.numbers) == [[], [4]]

    asyncio.run(scenario())


def test_one_that_has_waited_long_behind_another_comes_first() -> None:
    """And nothing is sent to wait behind what takes long."""

    async def scenario() -> None:
        line = Line(2)
        line.enter(9)
        slow, quick = line.workers
        behind = slow.numbers[1]
        await asyncio.sleep(2 * AHEAD_SECONDS)
        await quick.answer()
        assert quick.numbers[1] == behind
        assert slow.numbers == [0, behind] and slow.withdrawn == [behind]

    asyncio.run(scenario())


def test_one_that_was_withdrawn_too_late_is_answered_once() -> None:
    async def scenario() -> None:
        line = Line(2)
        calls = line.enter(3)
        slow, quick = sorted(line.workers, key=lambda worker: -len(worker.numbers))
        await quick.answer()
        taken_over = quick.numbers[0]
        slow.withdrawn.clear()  # it says nothing of it: the call has begun
        await slow.answer()
        assert line.numbers.count([taken_over]) == 2
        await slow.answer()
        await quick.answer()
        assert [call.answer.result().value for call in calls] == [0, 1, 2] and line.numbers == [[], []]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["crashed", "timed out"])
def test_a_lost_worker_is_held_against_the_call_that_it_worked_on(kind: str) -> None:
    """What waited behind it is done elsewhere, by itself; its time had not begun."""

    async def scenario() -> None:
        line = Line(1)
        first, second, third = line.enter(3, timeout_seconds=0.05)
        (lost,) = line.workers
        if kind == "crashed":
            await lost.die()
        with pytest.raises(Lost, match=kind):
            await first.answer
        assert line.gone == [lost] and not second.answer.done()
        again = Scripted(1)
        line.out.add(again)
        assert again.numbers == [1]
        await again.answer()
        await again.answer()
        assert (second.answer.result().value, third.answer.result().value) == (1, 2)

    asyncio.run(scenario())


def test_a_call_that_is_tried_again_shares_its_worker_with_none() -> None:
    async def scenario() -> None:
        line = Line(1)
        line.enter(1, is_alone=True)
        line.enter(2)
        (worker,) = line.workers
        assert worker.numbers == [0]
        await worker.answer()
        assert worker.numbers == [1, 2]
        line.enter(1, is_alone=True)
        await worker.answer()
        assert worker.numbers == [2]
        await worker.answer()
        assert worker.numbers == [3]

    asyncio.run(scenario())


def test_a_worker_that_has_grown_does_what_it_was_sent_and_no_more() -> None:
    async def scenario() -> None:
        line = Line(1)
        line.enter(3)
        (worker,) = line.workers
        await worker.answer(grown_bytes=GROWN)
        assert worker.numbers == [1] and line.gone == []
        await worker.answer()
        assert worker.numbers == [] and line.gone == [worker] and line.out.is_waited_for()

    asyncio.run(scenario())


def test_a_call_that_nobody_waits_for_costs_a_worker_only_if_it_is_done() -> None:
    async def scenario() -> None:
        line = Line(1)
        first, second, third, fourth = line.enter(4)
        (worker,) = line.workers
        line.out.leave(third)
        line.out.leave(second)
        assert worker.withdrawn == [1] and line.gone == []
        await worker.answer()
        assert first.answer.result().value == 0 and worker.numbers == [3]
        line.out.leave(fourth)
        assert line.gone == [worker]

    asyncio.run(scenario())


def test_a_call_that_cannot_be_sent_costs_no_worker() -> None:
    async def scenario() -> None:
        line = Line(1)
        broken = Call(0, print, ("it does not travel",), 60.0, False)
        line.out.enter(broken)
        with pytest.raises(TypeError, match="does not travel"):
            await broken.answer
        (call,) = line.enter(1)
        await line.workers[0].answer()
        assert call.answer.done() and line.gone == []

    asyncio.run(scenario())


def test_nothing_is_answered_after_the_end() -> None:
    async def scenario() -> None:
        line = Line(1)
        calls = line.enter(4)
        line.out.close()
        for call in calls:
            assert call.answer.cancelled()
            line.out.leave(call)  # as its caller does then
        await line.workers[0].answer()
        await line.workers[0].die()
        assert line.gone == []

    asyncio.run(scenario())
