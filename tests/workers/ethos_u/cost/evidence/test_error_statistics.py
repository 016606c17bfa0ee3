"""Means, medians and rank correlation, against scipy and by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.error_statistics import (
    comparable_pairs,
    errors_of,
    launch_errors,
    least_launch_errors,
    pair_errors,
    with_vela,
)

ROW = Comparison("program", "net", "", "", "ethos-u55-128", "simulated", 100.0, 1, 110.0, None, "s", "", None, "", "")


def rows(*pairs: tuple[float, float]) -> list[Comparison]:
    """Counted and predicted."""
    return [replace(ROW, counted_cycles=float(counted), predicted_cycles=float(priced)) for counted, priced in pairs]


def test_errors_have_no_sign_and_the_worst_is_named() -> None:
    some = rows((100, 110), (100, 80), (200, 200))
    errors = errors_of(some)
    assert errors is not None
    assert (errors.rows, errors.mean, errors.worst) == (3, pytest.approx(10), pytest.approx(20))
    assert errors.worst_row is some[1]
    assert errors.ratio == pytest.approx((1.1 * 0.8) ** (1 / 3))
    assert errors_of(some, "vela") is None and errors_of([]) is None


def test_short_launches_are_not_averaged() -> None:
    launches = [
        replace(row, subject="launch") for row in rows((3000, 9000), (4000, 4400), (5000, 10_000), (8000, 8000))
    ]
    errors = launch_errors(launches)
    assert errors is not None
    assert (errors.rows, errors.median) == (3, pytest.approx(10)) and errors.near_percent == pytest.approx(200 / 3)


def test_a_step_explains_half_of_itself_and_all_of_itself_between_two_readings() -> None:
    (row,) = rows((4000, 4900))
    stepped = replace(row, step_cycles=1000)
    assert row.sure_error_percent == pytest.approx(100 * 899.5 / 4000)
    assert stepped.sure_error_percent == pytest.approx(10)
    assert replace(stepped, subject="launch").sure_error_percent == 0
    assert replace(stepped, subject="launch", predicted_cycles=2800.0).sure_error_percent == pytest.approx(5)


@given(st.lists(st.integers(3001, 20_000), min_size=1, max_size=4))
def test_what_predictions_to_the_cycle_would_reach(counted: list[int]) -> None:
    """Of a difference of two readings of a counter with steps, the part p of a step is within x with 1 - (1 - x)²."""
    some = [replace(row, subject="launch", step_cycles=1000) for row in rows(*((one, one) for one in counted))]
    least = least_launch_errors(some)
    assert least is not None and least.rows == len(counted)
    within = [1 - (1 - min(1.0, 0.15 * one / 1000)) ** 2 for one in counted]
    assert least.near_percent == pytest.approx(100 * sum(within) / len(within), abs=1.0)
    if len(set(counted)) == 1:
        assert least.median == pytest.approx(100 * (1 - 0.5**0.5) * 1000 / counted[0], rel=0.02)
    assert least_launch_errors([]) is None


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=2, max_size=12, unique_by=lambda p: p[0])
)
def test_tau_is_kendalls(pairs: list[tuple[int, int]]) -> None:
    """Counts are distinct; the variant that scipy calls b leaves pairs of equal estimates out of its denominator."""
    found = pair_errors(comparable_pairs(rows(*pairs)))
    assert found is not None
    if len({priced for _, priced in pairs}) == len(pairs):
        assert found.tau == pytest.approx(kendalltau([c for c, _ in pairs], [p for _, p in pairs]).statistic)
    assert found.right + found.wrong <= found.pairs == len(pairs) * (len(pairs) - 1) // 2


def test_pairs_are_of_what_can_be_chosen_between() -> None:
    one, other = rows((1000, 1000), (2000, 2000))
    assert len(comparable_pairs([one, other])) == 1
    for apart in (
        replace(other, model="other"), replace(other, accelerator="ethos-u85-256"), replace(other, label="measured"),
        replace(other, subject="launch"), replace(other, counted_cycles=1400.0, step_cycles=1000),
    ):  # fmt: skip
        assert comparable_pairs([one, apart]) == []
    operators = [replace(row, subject="operator", kind="Conv2D") for row in (one, other)]
    assert len(comparable_pairs([replace(operators[0], model="another shape"), operators[1]])) == 1
    assert comparable_pairs([replace(operators[0], condition="relaxed"), operators[1]]) == []


def test_vela_is_asked_where_it_has_both() -> None:
    one, two, three = rows((1000, 1000), (2000, 2000), (3000, 3000))
    some = [replace(one, vela_cycles=900.0), replace(two, vela_cycles=800.0), three]
    pairs = comparable_pairs(some)
    vela = pair_errors(pairs, "vela")
    assert vela is not None and (vela.pairs, vela.wrong, vela.tau) == (1, 1, -1.0)
    assert len(pairs) == 3 and len(with_vela(pairs)) == 1
