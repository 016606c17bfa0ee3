"""Layout maps against numpy, which moves the elements."""

from itertools import permutations
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.random.layout_maps import Chain, acted, chains, composed, maps, moved, numbered

from search_space.errors import SpaceError
from search_space.ir.layout_map import LayoutMap, Shape
from velatune.testing.random.builder import regroupings, shapes


@given(maps())
def test_a_composition_does_what_its_parts_do(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, chain = drawn
    array = numbered(layout.in_shape)
    assert np.array_equal(acted(layout, array), moved(array, chain))
    assert layout.out_shape == moved(array, chain).shape


@given(maps())
def test_normal_form(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, _ = drawn
    assert 1 not in layout.atoms
    assert prod(layout.atoms) == prod(layout.in_shape)
    assert all(b != a + 1 for a, b in zip(layout.order, layout.order[1:], strict=False))
    assert LayoutMap.of(layout.in_shape, layout.out_shape, layout.atoms, layout.order) == layout


@given(maps())
def test_the_inverse_undoes_it(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, _ = drawn
    array = numbered(layout.in_shape)
    assert np.array_equal(acted(layout.inverse, acted(layout, array)), array)
    assert layout.inverse.inverse == layout
    both = layout.then(layout.inverse)
    assert both is not None and both.is_identity


@given(st.data())
def test_equal_if_and_only_if_they_act_equally(data: st.DataObject) -> None:
    shape = data.draw(shapes())
    one, two = (composed(shape, data.draw(chains(shape, longest=2))) for _ in range(2))
    assume(one is not None and two is not None)
    assert one is not None and two is not None
    two = two.then(LayoutMap.reshape(two.out_shape, one.out_shape))
    assert two is not None
    array = numbered(shape)
    assert (one == two) == np.array_equal(acted(one, array), acted(two, array))
    assert one != two or hash(one) == hash(two)


@given(maps())
def test_questions_are_answered_as_the_elements_show(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, _ = drawn
    array = numbered(layout.in_shape)
    result = acted(layout, array)
    unmoved = np.array_equal(result.ravel(), array.ravel())
    assert layout.keeps_order == unmoved
    assert layout.is_identity == (unmoved and layout.in_shape == layout.out_shape)


@given(maps())
def test_channels_say_what_is_taken_along_the_last_dimension(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, _ = drawn
    if layout.channels is not None:
        taken = acted(layout, np.broadcast_to(np.arange(layout.in_shape[-1]), layout.in_shape))
        assert np.array_equal(taken, np.broadcast_to(layout.channels, layout.out_shape))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 3), st.data())
def test_channels_that_stay_together_are_found(atoms: list[int], rows: int, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(atoms))))
    shape = (rows, 2, prod(atoms))
    layout = LayoutMap.of(shape, (2, *shape[:1], shape[2]), (rows, 2, *atoms), (1, 0, *(2 + a for a in order)))
    expected = np.arange(prod(atoms)).reshape(atoms).transpose(order).ravel()
    assert layout.channels == tuple(expected.tolist())


@given(maps(), st.data())
def test_a_resized_map_moves_the_same_dimensions(drawn: tuple[LayoutMap, Chain], data: st.DataObject) -> None:
    """Cut to fewer entries before or after, along the dimensions that are whole, it gives the same."""
    layout, _ = drawn
    sizes = {d: data.draw(st.integers(1, size)) for d, size in enumerate(layout.out_shape) if data.draw(st.booleans())}
    resized = layout.resized(sizes)
    assume(resized is not None)
    assert resized is not None
    after = acted(layout, numbered(layout.in_shape))[tuple(slice(sizes.get(d)) for d in range(len(layout.out_shape)))]
    kept = {resized.where[d]: size for d, size in sizes.items()}
    before = numbered(layout.in_shape)[tuple(slice(kept.get(d)) for d in range(len(layout.in_shape)))]
    assert before.shape == resized.layout.in_shape
    assert np.array_equal(acted(resized.layout, before), after)


@given(maps())
def test_perms_are_the_one_transpose_if_there_is_one(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, _ = drawn
    array = numbered(layout.in_shape)
    result = acted(layout, array)
    rank = len(layout.in_shape)
    exists = any(np.array_equal(array.transpose(perms), result) for perms in permutations(range(rank)))
    assert (layout.perms is not None) == exists
    if layout.perms is not None:
        assert np.array_equal(array.transpose(layout.perms), result)


@given(maps())
def test_whole_dims_leave_only_a_reshape_if_any_transpose_does(drawn: tuple[LayoutMap, Chain]) -> None:
    layout, _ = drawn
    array = numbered(layout.in_shape)
    result = acted(layout, array).ravel()
    rank = len(layout.in_shape)
    exists = any(np.array_equal(array.transpose(perms).ravel(), result) for perms in permutations(range(rank)))
    assert (layout.whole_dims is not None) == exists
    if layout.whole_dims is not None:
        assert np.array_equal(array.transpose(layout.whole_dims).ravel(), result)


def factorisations(size: int) -> list[Shape]:
    if size == 1:
        return [()]
    return [(d, *rest) for d in range(2, size + 1) if size % d == 0 for rest in factorisations(size // d)]


@pytest.mark.parametrize("size", [6, 12, 24])
def test_then_gives_a_map_wherever_any_map_does_both(size: int) -> None:
    """All maps of a vector, all pairs of them: a composition is None only if no map at all acts like it."""
    acts: dict[LayoutMap, tuple[int, ...]] = {}
    for atoms in factorisations(size):
        for order in permutations(range(len(atoms))):
            layout = LayoutMap.of((size,), (size,), atoms, order)
            action = tuple(np.arange(size).reshape(atoms).transpose(order).ravel().tolist())
            assert acts.setdefault(layout, action) == action
    assert len(set(acts.values())) == len(acts)
    map_of = {action: layout for layout, action in acts.items()}
    for one, first in acts.items():
        for two, second in acts.items():
            both = tuple(first[i] for i in second)
            assert one.then(two) == map_of.get(both)


@given(st.data())
def test_a_reshape_never_stands_in_the_way(data: st.DataObject) -> None:
    layout, chain = data.draw(maps())
    shape = data.draw(regroupings(layout.out_shape))
    after = layout.then(LayoutMap.reshape(layout.out_shape, shape))
    before = LayoutMap.reshape(data.draw(regroupings(layout.in_shape)), layout.in_shape)
    both = before.then(layout)
    assert after is not None and both is not None
    array = numbered(layout.in_shape)
    assert np.array_equal(acted(after, array), moved(array, chain).reshape(shape))
    assert np.array_equal(acted(both, array.reshape(before.in_shape)), moved(array, chain))


def test_scalars_and_vectors_of_one() -> None:
    assert LayoutMap.transpose((), ()).is_identity
    assert LayoutMap.reshape((), (1, 1)).keeps_order
    assert LayoutMap.reshape((1, 1), ()).inverse == LayoutMap.reshape((), (1, 1))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LayoutMap.transpose((2, 3), (0, 0)), "perms"),
        (lambda: LayoutMap.transpose((2, 3), (0, 1, 2)), "perms"),
        (lambda: LayoutMap.transpose((2, 3), (-1, 0)), "perms"),
        (lambda: LayoutMap.reshape((2, 3), (7,)), "size"),
        (lambda: LayoutMap.of((6,), (6,), (2, 3), (0, 2)), "permutation"),
        (lambda: LayoutMap.of((6,), (6,), (2, 2), (0, 1)), "size"),
        (lambda: LayoutMap.reshape((6,), (2, 3)).then(LayoutMap.reshape((6,), (6,))), "followed"),
    ],
)
def test_what_is_no_map_is_refused(make: object, said: str) -> None:
    assert callable(make)
    with pytest.raises(SpaceError, match=said):
        make()


def test_prints_for_people() -> None:
    assert str(LayoutMap.transpose((1, 2, 3, 4), (0, 3, 1, 2))) == "1x2x3x4 -> 1x4x2x3 as 6x4 by (1, 0)"
    assert str(LayoutMap.reshape((1, 1), ())) == "1x1 -> scalar"
