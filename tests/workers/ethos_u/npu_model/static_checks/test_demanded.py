"""Which elements of inputs a program's outputs depend on."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from velatune.testing.program import Program
from workers.ethos_u.npu_model.static_checks.demanded import Demand, demanded


def mask(demand: Demand, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, demand) if isinstance(demand, bool) else demand


def test_slices_of_moved_and_joined_values() -> None:
    p = Program()
    first, second = p.input(1, 4, 6, 2), p.input(1, 4, 6, 3)
    turned = p.transpose(p.concat(3, first, second), 0, 3, 1, 2)
    result = p.clamp(p.slice(turned, (0, 1, 0, 2), (1, 3, 2, 4)), -5, 5)
    demand = demanded(p.graph(result))
    expected = np.zeros((1, 4, 6, 5), bool)
    expected[:, :2, 2:, 1:4] = True
    assert (mask(demand[first], (1, 4, 6, 2)) == expected[..., :2]).all()
    assert (mask(demand[second], (1, 4, 6, 3)) == expected[..., 2:]).all()


def test_all_users_count_and_outputs_are_demanded() -> None:
    p = Program()
    value = p.input(1, 4, 4, 8)
    parts = [p.slice(value, (0, row, 0, 0), (1, 2, 4, 8)) for row in (0, 1)]
    demand = demanded(p.graph(*map(p.table, parts)))[value]
    assert mask(demand, (1, 4, 4, 8)).all(axis=(0, 2, 3)).tolist() == [True, True, True, False]
    assert demanded(p.graph(*map(p.table, parts), value))[value] is True


def test_what_is_broadcast_is_demanded_where_any_of_it_is() -> None:
    p = Program()
    column, image = p.input(1, 4, 1, 8), p.input(1, 4, 5, 8)
    demand = demanded(p.graph(p.slice(p.mul(image, column), (0, 1, 2, 0), (1, 2, 2, 8))))
    assert mask(demand[column], (1, 4, 1, 8)).all(axis=(0, 2, 3)).tolist() == [False, True, True, False]
    assert mask(demand[image], (1, 4, 5, 8)).sum() == 2 * 2 * 8


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(6, 12))
def test_windows_that_leave_rows_out(taps: int, stride: int, dilation: int, size: int) -> None:
    p = Program()
    reach = (taps - 1) * dilation
    rows = (size - reach - 1) // stride * stride + reach + 1  # so that the last window ends with the image
    value = p.input(1, rows, 5, 8)
    convolved = p.conv(value, 8, (taps, 1), (stride, 1), (dilation, 1))
    graph = p.graph(convolved)
    window = next(node for node in graph.nodes.values() if node.op == "CONV2D")
    before = window.attributes["pad"][0]
    results = window.type.shape[1]
    seen = {at * stride + tap * dilation - before for at in range(results) for tap in range(taps)}
    demand = mask(demanded(graph)[value], (1, rows, 5, 8))
    assert demand.all(axis=(0, 2, 3)).tolist() == [row in seen for row in range(rows)]
    assert (demand == demand[:, :, :1, :1]).all()


def test_elements_that_indices_choose_are_not_demanded() -> None:
    p = Program()
    values, indices = p.input(1, 10, 16), p.input(1, 6, dtype="INT32")
    demand = demanded(p.graph(p.gather(values, indices)))
    assert demand[values] is False and demand[indices] is True
