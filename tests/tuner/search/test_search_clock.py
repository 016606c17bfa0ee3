"""The clock of searches stands still for what others lower."""

import pytest

from tuner.search.search_clock import SearchClock


def test_it_runs_with_the_workers_that_are_left() -> None:
    wall = [100.0]
    clock = SearchClock(2, lambda: wall[0])
    wall[0] += 4
    assert clock.seconds == 4
    with clock.lowering():
        wall[0] += 4
        assert clock.seconds == 6
        with clock.lowering(), clock.lowering():  # one more than there are workers waits
            wall[0] += 10
            assert clock.seconds == 6
        wall[0] += 2
    with pytest.raises(KeyError), clock.lowering():
        raise KeyError
    wall[0] += 3
    assert clock.seconds == 10
