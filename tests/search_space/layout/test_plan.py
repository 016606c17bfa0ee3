"""However a map is written as operators, they do what it says; and no shorter way is missed."""

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from support.random.layout_maps import Chain, maps, moved, numbered

from search_space.ir.graph import Step, TensorType, move
from search_space.ir.layout_map import LayoutMap
from search_space.layout.emission import merged, plan
from search_space.layout.transpose_cost import candidate_plans


def assert_amounts_to(written: Chain, layout: LayoutMap, chain: Chain) -> None:
    array = numbered(layout.in_shape)
    assert np.array_equal(moved(array, written), moved(array, chain))
    if written:
        node = move(0, TensorType(layout.in_shape, "INT8"), written)
        assert node.layout_map == layout
        assert node.type.shape == layout.out_shape
    shape = layout.in_shape
    for step in written:
        assert step.kind == "transpose" or step.argument != shape
        shape = step.result(shape)


@given(maps())
def test_a_plan_amounts_to_the_map(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, chain = drawn
    assert_amounts_to(plan(layout), layout, chain)
    assert (plan(layout) == ()) == layout.is_identity


@given(maps())
def test_the_merged_form_amounts_to_the_map_with_the_fewest_dimensions(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, chain = drawn
    written = merged(layout)
    assert_amounts_to(written, layout, chain)
    transposes = [step.argument for step in written if step.kind == "transpose"]
    assert transposes == ([] if layout.keeps_order else [layout.order])


@settings(max_examples=60)
@given(maps())
def test_no_shorter_way_is_missed(drawn: tuple[LayoutMap, Chain]) -> None:
    """Every way in up to two operators is tried: a transpose, a reshape, or one before the other."""
    layout, chain = drawn
    array = numbered(layout.in_shape)
    wanted = moved(array, chain)
    if np.array_equal(array.ravel(), wanted.ravel()):
        shortest = 0 if array.shape == wanted.shape else 1
    else:
        before = [(array.transpose(perms), wanted) for perms in permutations(range(array.ndim))]
        after = [(array, wanted.transpose(perms)) for perms in permutations(range(wanted.ndim))]
        if any(np.array_equal(a, b) for a, b in before):
            shortest = 1
        else:
            shortest = 2 if any(np.array_equal(a.ravel(), b.ravel()) for a, b in before + after) else 3
    assert len(plan(layout)) == shortest


@settings(max_examples=60)
@given(maps())
def test_every_candidate_plan_amounts_to_the_map(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, chain = drawn
    if not layout.keeps_order:
        for written in candidate_plans(layout):
            assert_amounts_to(written, layout, chain)


def test_pixel_shuffle_and_its_like_stay_three_operators() -> None:
    layout = LayoutMap.of((1, 8, 3, 3), (1, 2, 6, 6), (2, 2, 2, 3, 3), (0, 3, 1, 4, 2))
    assert plan(layout) == (
        Step("reshape", (2, 2, 2, 3, 3)), Step("transpose", (0, 3, 1, 4, 2)), Step("reshape", (1, 2, 6, 6)),
    )  # fmt: skip
