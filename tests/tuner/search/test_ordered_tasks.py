"""Work side by side: reported in order, and the slowest holds nothing but what comes after it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import pytest

from tuner.search.ordered_tasks import side_by_side

AT_ONCE = 3


def none(_: object) -> bool:
    return False


def test_what_is_asked_for_hangs_on_what_was_told_and_not_on_who_answers_first() -> None:
    """Numbers, of which each asks for as many more as were reported before; by any of three orders of answering."""

    async def told_by(delays: list[float]) -> list[int]:
        reported, kept, waiting = list[int](), list[int](), deque([1, 2, 3, 4])

        def ask(room: int, under_way: int) -> list[int]:
            return [waiting.popleft() for _ in range(min(room, AT_ONCE - under_way, len(waiting)))]

        async def find_out(number: int) -> int:
            await asyncio.sleep(delays[number % len(delays)])
            return number

        def tell(number: int) -> None:
            reported.append(number)
            if number < 20:
                waiting.append(number + len(reported))

        await side_by_side(ask, find_out, tell, kept.extend, none, AT_ONCE)
        assert kept == reported
        return reported

    runs = [asyncio.run(told_by(delays)) for delays in ([0], [0, 0.003, 0.001], [0.004, 0, 0.002, 0])]
    assert runs[0] == runs[1] == runs[2] and len(runs[0]) > 8


def test_others_go_on_while_one_takes_long() -> None:
    """The second of five answers last of all; those that there is room for are done by then."""

    async def scenario() -> tuple[list[int], list[int]]:
        rest, done, reported = deque(range(5)), list[int](), list[int]()
        others_are_done = asyncio.Event()

        async def find_out(number: int) -> int:
            if number == 1:
                await others_are_done.wait()
            done.append(number)
            if len(done) == AT_ONCE:  # the first, and the two that may be under way beside the slow one
                others_are_done.set()
            return number

        await side_by_side(
            lambda _, under_way: [rest.popleft() for _ in range(min(AT_ONCE - under_way, len(rest)))],
            find_out,
            reported.append,
            lambda _: None,
            none,
            AT_ONCE,
        )
        return done, reported

    done, reported = asyncio.run(asyncio.wait_for(scenario(), 20))
    assert done == [0, 2, 3, 1, 4]
    assert reported == [0, 1, 2, 3, 4]


def test_what_was_told_is_kept_when_all_else_that_can_be_done_has_begun() -> None:
    """However long keeping takes, nothing waits for it but what is reported later."""
    waiting, begun, reported, kept = deque(range(40)), set[int](), list[int](), list[int]()

    def ask(room: int, under_way: int) -> list[int]:
        return [waiting.popleft() for _ in range(min(room, AT_ONCE - under_way, len(waiting)))]

    async def find_out(number: int) -> int:
        begun.add(number)
        await asyncio.sleep(0.001 * (number % 5))
        return number

    def keep(some: Sequence[int]) -> None:
        kept.extend(some)
        assert kept == reported
        assert begun == set(range(min(40, len(reported) + AT_ONCE)))

    asyncio.run(side_by_side(ask, find_out, reported.append, keep, none, AT_ONCE))
    assert kept == list(range(40))


def test_an_error_ends_the_rest() -> None:
    ended = []

    async def find_out(number: int) -> int:
        if number == 1:
            raise ValueError(number)
        try:
            await asyncio.sleep(60 * number)
        except asyncio.CancelledError:
            ended.append(number)
            raise
        return number

    async def scenario() -> list[int]:
        reported, kept, first = list[int](), list[int](), iter([[0, 1, 2, 3]])
        with pytest.raises(ValueError, match="1"):
            await side_by_side(lambda *_: next(first, []), find_out, reported.append, kept.extend, none, 4)
        await asyncio.sleep(0)
        assert kept == reported
        return reported

    assert asyncio.run(scenario()) == [0]
    assert ended == [2, 3]


@pytest.mark.parametrize("dropped", [(2,), (2, 3), (2, 3, 4)], ids=["one", "some", "all that have begun"])
def test_what_is_dropped_is_not_told_and_makes_room_when_it_ends(dropped: tuple[int, ...]) -> None:
    """Telling of 1 drops them, when they have begun, or are just about to; by any of two orders of answering."""

    async def told_by(delay: float) -> tuple[list[int], list[int]]:
        waiting, reported, ended = deque(range(8)), list[int](), list[int]()
        running, most = set[int](), 0

        def is_dropped(number: int) -> bool:
            return 1 in reported and number in dropped

        async def find_out(number: int) -> int:
            nonlocal most
            running.add(number)
            most = max(most, len(running))
            await asyncio.sleep(0.05 if number in dropped else delay * (8 - number))
            running.remove(number)
            ended.append(number)
            return number

        await side_by_side(
            lambda room, _: [waiting.popleft() for _ in range(min(room, len(waiting)))],
            find_out, reported.append, lambda _: None, is_dropped, AT_ONCE,
        )  # fmt: skip
        assert most == AT_ONCE and not running
        return reported, ended

    for delay in (0, 0.002):
        reported, ended = asyncio.run(told_by(delay))
        assert reported == [number for number in range(8) if number not in dropped] and sorted(ended) == list(range(8))
