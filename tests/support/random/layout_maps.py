"""Layout maps with a chain of steps that each is composed of, and numpy, which moves the elements."""

from math import prod

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from search_space.ir.graph import Step
from search_space.ir.layout_map import LayoutMap, Shape
from velatune.testing.random.builder import shapes, steps

Chain = tuple[Step, ...]


def moved(array: np.ndarray, chain: Chain) -> np.ndarray:
    for step in chain:
        array = array.transpose(step.argument) if step.kind == "transpose" else array.reshape(step.argument)
    return array


def numbered(shape: Shape) -> np.ndarray:
    return np.arange(prod(shape)).reshape(shape)


def acted(layout: LayoutMap, array: np.ndarray) -> np.ndarray:
    """What a map says by its definition: cut into atoms, permute, regroup."""
    return array.reshape(layout.atoms).transpose(layout.order).reshape(layout.out_shape)


def composed(shape: Shape, chain: Chain) -> LayoutMap | None:
    layout: LayoutMap | None = LayoutMap.reshape(shape, shape)
    for step in chain:
        assert layout is not None
        layout = layout.then(step.map_from(layout.out_shape))
        if layout is None:
            return None
    return layout


@st.composite
def chains(draw: st.DrawFn, shape: Shape, longest: int = 4) -> Chain:
    chain: list[Step] = []
    for _ in range(draw(st.integers(0, longest))):
        chain.append(draw(steps(shape)))
        shape = chain[-1].result(shape)
    return tuple(chain)


@st.composite
def maps(draw: st.DrawFn) -> tuple[LayoutMap, Chain]:
    """A map and a chain that it is the composition of."""
    shape = draw(shapes())
    chain = draw(chains(shape))
    layout = composed(shape, chain)
    assume(layout is not None)
    assert layout is not None
    return layout, chain
