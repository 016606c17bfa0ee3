"""Operators of two programs are paired, summed by kind, and shared out."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from support.samples.sample_results import BEST_OPERATORS, DEFAULT_OPERATORS, evaluation

from results.records.compare_operators import TransposeShare, by_kind, pair_operators, transpose_share_of
from results.records.figures import OperatorRow

operator_rows = st.builds(
    OperatorRow, st.integers(0, 1), st.sampled_from("abc"), st.sampled_from("XY"), st.just("n"), st.integers(0, 99),
    st.integers(0, 99),
)  # fmt: skip
names = st.lists(operator_rows, max_size=8)


@given(names, names)
def test_pairs_hold_every_row_once_in_order(default, tuned):
    pairs = pair_operators(default, tuned)
    assert [pair.default for pair in pairs if pair.default] == default
    assert Counter(pair.best for pair in pairs if pair.best) == Counter(tuned)
    together = [pair for pair in pairs if pair.default and pair.best]
    assert all((p.default.delegate, p.default.name) == (p.best.delegate, p.best.name) for p in together)
    common = Counter((r.delegate, r.name) for r in default) & Counter((r.delegate, r.name) for r in tuned)
    assert len(together) == common.total()
    assert [pair.position for pair in pairs] == list(range(len(pairs)))


def test_row_of_the_best_alone_stands_behind_what_it_follows_there():
    pairs = pair_operators(DEFAULT_OPERATORS, BEST_OPERATORS)
    assert [pair.name for pair in pairs] == ["conv_1", "moved_1", "transpose_1", "add_1"]


@given(names, names)
def test_kinds_add_up(default, tuned):
    kinds = by_kind(default, tuned)
    assert sum(row.default_cycles for row in kinds) == sum(row.cycles for row in default)
    assert sum(row.best_cycles for row in kinds) == sum(row.cycles for row in tuned)
    assert len({row.kind for row in kinds}) == len(kinds)


def test_the_share_of_transposes_by_both_estimates():
    rows = (
        OperatorRow(0, "a", "Conv2D", "Conv2D", 50, 75),
        OperatorRow(0, "b", "Transpose", "Transpose", 150, 25),
    )
    assert transpose_share_of(evaluation("default", operators=rows)) == TransposeShare(75.0, 25.0)
    assert transpose_share_of(evaluation("default")) == TransposeShare(0.0, 0.0)
