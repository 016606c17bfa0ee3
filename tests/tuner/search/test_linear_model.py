"""What elements bring, judged from recipes that differ by several at once."""

from __future__ import annotations

from math import inf
from random import Random

from tuner.search.linear_model import LinearModel

PAYS, COSTS, NOTHING, WRONG, NEW = "pays", "costs", "nothing", "wrong", "new"
RECIPES = {
    (PAYS, COSTS): -0.2,
    (PAYS, NOTHING): -0.3,
    (COSTS, NOTHING): 0.1,
    (PAYS, COSTS, NOTHING): -0.2,
    (PAYS, WRONG): inf,
    (NOTHING,): 0.0,
}


def taught() -> LinearModel:
    """Each of them forty times: what few say is held to be chance."""
    credit = LinearModel()
    for elements, change in 40 * tuple(RECIPES.items()):
        credit.learn(elements, change)
    return credit


def test_each_element_gets_its_part() -> None:
    guesses = taught().draw([PAYS, COSTS, NOTHING, WRONG, NEW], Random(0))
    means = {one: guess.mean for one, guess in guesses.items()}
    assert means[PAYS] < means[NEW] < 0 < means[COSTS] < means[WRONG]
    assert abs(means[NOTHING]) < abs(means[COSTS])


def test_what_was_seen_more_often_is_surer() -> None:
    credit = taught()
    for _ in range(200):
        credit.learn([PAYS], -0.3)
    random = Random(0)
    draws = [credit.draw([PAYS, NEW], random) for _ in range(200)]
    apart = {
        one: max(draw[one].drawn for draw in draws) - min(draw[one].drawn for draw in draws) for one in (PAYS, NEW)
    }
    assert 0 < 4 * apart[PAYS] < apart[NEW]


def test_the_same_seed_draws_the_same() -> None:
    assert taught().draw([PAYS, NEW], Random(0)) == taught().draw([PAYS, NEW], Random(0))
    assert taught().draw([PAYS, NEW], Random(0)) != taught().draw([PAYS, NEW], Random(1))
