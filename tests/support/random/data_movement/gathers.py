"""Movements around GATHER and SCATTER, which read [N,K,C] and pick along K."""

from math import prod

from hypothesis import strategies as st

from search_space.ir.graph import Step
from search_space.layout.emission import plan
from velatune.testing.random.builder import INTEGERS, Builder, steps
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.movements import read, wide, written
from velatune.testing.random.operators import GATHERS

MOVED_GATHERS: Kind = []
GATHERS_OF_MOVED: Kind = []


@on(*INTEGERS, kind=GATHERS_OF_MOVED)
def _moved_before(b: Builder, value: int) -> None:
    """A TRANSPOSE, often one that moves a dimension behind others, which is then picked along; often back again."""
    value = wide(b, value, INTEGERS, b.draw(st.integers(3, 4)))
    dims = list(range(len(b.shape(value))))
    picked = b.draw(st.integers(0, len(dims) - 2))
    rest = dims[:picked] + dims[picked + 1 :]
    at = b.draw(st.integers(picked + 1, len(rest)))
    perms = tuple(b.draw(st.permutations(dims))) if b.chance(5) else (*rest[:at], picked, *rest[at:])
    shape = b.shape(value)
    moved, place = tuple(shape[p] for p in perms), perms.index(picked)
    flat = prod(moved[:place]), shape[picked], prod(moved[place + 1 :])
    value = b.moved(value, written(shape, shape, perms, flat))
    layout = b.nodes[value].layout_map
    value = read(b, value, GATHERS)
    if b.shape(value) == layout.out_shape and b.draw(st.booleans()):
        b.moved(value, plan(layout.inverse) or (Step("reshape", layout.in_shape),))
    elif b.draw(st.booleans()):
        b.moved(value, (b.draw(steps(b.shape(value))),))


@on(*INTEGERS, kind=MOVED_GATHERS)
def _moved_behind(b: Builder, value: int) -> None:
    """What was picked, its dimensions moved, often such that the picked one comes first."""
    value = read(b, wide(b, value, INTEGERS, 3), GATHERS)
    perms = b.draw(st.sampled_from([(1, 0, 2), (1, 0, 2), (1, 2, 0), (0, 2, 1), (2, 0, 1), (2, 1, 0)]))
    b.moved(value, (Step("transpose", perms),))
