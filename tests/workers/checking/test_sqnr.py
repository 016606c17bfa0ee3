"""The signal-to-quantisation-noise ratio: its formula, and what has no finite value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workers.checking.sqnr import MOST_DB, sqnr_db, sqnr_of_outputs

INF, NAN = math.inf, math.nan


def test_the_ratio_is_of_norms_over_all_inputs() -> None:
    # Signal 3, 4: 25. Noise 0.3 and 0.4: 0.25. A hundredth is 20 dB.
    assert sqnr_db([np.array([3.0]), np.array([4.0])], [np.array([3.3]), np.array([4.4])]) == pytest.approx(20)
    assert sqnr_of_outputs([[np.array([1])], [np.array([1])]], [[np.array([1])], [np.array([1])]]) == (MOST_DB,)


@pytest.mark.parametrize(
    ("wanted", "found", "ratio"),
    [
        ([10.0, INF, -INF, NAN], [9.0, INF, -INF, NAN], 20),  # the same in both: what is left counts
        ([10.0, INF], [9.0, 5.0], -MOST_DB),
        ([10.0, INF], [9.0, -INF], -MOST_DB),
        ([10.0, 5.0], [9.0, NAN], -MOST_DB),
        ([0.0], [0.1], -MOST_DB),
        ([10j], [9j], 20),
    ],
)
def test_values_that_are_not_finite_or_not_real(wanted: list[float], found: list[float], ratio: float) -> None:
    assert sqnr_db([np.array(wanted)], [np.array(found)]) == pytest.approx(ratio)
