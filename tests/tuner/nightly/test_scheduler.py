"""Who searches next when many share a budget: searches that only count stand in for real ones."""

import asyncio

import pytest

from tuner.nightly.scheduler import FRUITLESS, SLICE, Scheduler, Share


class Counting:
    """Gains so many cycles with every candidate, for so many candidates."""

    def __init__(self, name: str, rank: float, gain: int, until: int, log: list[str]) -> None:
        self.name, self.rank, self.gain, self.until, self.log = name, rank, gain, until, log
        self.ending: str | None = None

    async def run(self, turns: Scheduler) -> None:
        share = Share(turns, (self.rank,))
        try:
            if not await share.start():
                self.ending = "waiting"
                return
            evaluations, cycles = 0, 1_000_000
            while (ending := await share.ended(cycles)) is None:
                self.log.append(self.name)
                while asked := share.left(8):
                    share.spend(asked)
                    evaluations += asked
                    cycles -= self.gain * asked if evaluations <= self.until else 0
                    await asyncio.sleep(0)
            self.ending = ending
        finally:
            share.stop()


def run(turns: Scheduler, *searches: Counting) -> None:
    async def all_of_them() -> None:
        await asyncio.gather(*(one.run(turns) for one in searches))

    asyncio.run(asyncio.wait_for(all_of_them(), 20))


def test_everyone_gets_one_slice_by_rank_then_those_that_gain_go_on():
    log: list[str] = []
    idle = Counting("idle", 0, 0, 0, log)
    small = Counting("small", 1, 1, 3 * SLICE, log)
    large = Counting("large", 2, 5, 2 * SLICE, log)
    run(Scheduler(1, None, None), large, idle, small)
    # `large` came by first, when nobody else was there.
    assert log[:3] == ["large", "idle", "small"]
    assert log[3:5] == ["large", "small"]  # what gained more comes first, what gained nothing waits
    assert [log.count(one.name) for one in (idle, small, large)] == [FRUITLESS, 3 + FRUITLESS, 2 + FRUITLESS]
    assert {one.ending for one in (idle, small, large)} == {"trials"}


def test_the_budget_ends_all_and_who_had_no_turn_says_so():
    log: list[str] = []
    first, second = Counting("first", 0, 1, 10**6, log), Counting("second", 1, 1, 10**6, log)
    run(Scheduler(1, None, SLICE), first, second)
    assert (first.ending, second.ending) == ("timeout", "waiting")
    assert log == ["first"]


def test_the_last_candidates_of_a_budget_are_counted_one_by_one():
    async def last_ones() -> list[int]:
        share = Share(Scheduler(1, None, SLICE + 3), (0,))
        assert await share.start() and await share.ended(100) is None
        allowed = [share.left(1000)]
        share.spend(SLICE)
        allowed += [share.left(8)]
        assert await share.ended(90) is None
        allowed += [share.left(8)]
        share.spend(3)
        assert await share.ended(80) == "timeout"
        return [*allowed, share.left(8)]

    assert asyncio.run(last_ones()) == [SLICE, 0, 3, 0]


@pytest.mark.parametrize("budget", [{"seconds": -1.0, "candidates": None}, {"seconds": None, "candidates": 0}])
def test_a_budget_that_is_spent_already(budget):
    one = Counting("one", 0, 1, 10**6, [])
    run(Scheduler(1, **budget), one)
    assert one.ending == "waiting"


def test_places_are_given_back_by_searches_that_fail():
    async def fails(turns: Scheduler) -> None:
        share = Share(turns, (0,))
        try:
            await share.start()
            raise ValueError
        finally:
            share.stop()

    async def both() -> str | None:
        turns = Scheduler(1, None, None)
        after = Counting("after", 1, 0, 0, [])
        await asyncio.gather(fails(turns), after.run(turns), return_exceptions=True)
        return after.ending

    assert asyncio.run(asyncio.wait_for(both(), 20)) == "trials"


def test_whoever_stops_waiting_takes_no_place():
    async def cancelled() -> bool:
        turns = Scheduler(1, None, None)
        holder, quitter, last = (Share(turns, (rank,)) for rank in (0, 1, 2))
        assert await holder.start()
        waiting = asyncio.create_task(quitter.start())
        await asyncio.sleep(0)
        waiting.cancel()
        next_one = asyncio.create_task(last.start())
        await asyncio.sleep(0)
        holder.stop()
        return await asyncio.wait_for(next_one, 5)

    assert asyncio.run(cancelled())
