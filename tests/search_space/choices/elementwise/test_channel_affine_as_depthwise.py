"""Products and sums with a constant for each channel, on all 256 values in every channel."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.random.elementwise.channel_constants import CHANNEL_CONSTANTS, with_constants
from support.values.executed import is_right

from search_space.choices.elementwise.channel_affine_as_depthwise import ChannelAffineAsDepthwise
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import outputs
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import Pricing


def made(
    op: str, constants: list[int], zeros: tuple[int, int] = (3, -128), scale: float = 1.01, swapped: bool = False,
    moved: bool = False, shape: tuple[int, ...] = (1, 256),
) -> Graph:  # fmt: skip
    p = Program()
    x = p.input(*shape, len(constants))
    return p.graph(with_constants(p, x, op, constants, zeros, scale, swapped, moved))


def assert_same(before: Graph, after: Graph) -> None:
    assert problems(after) == []
    shape = before[before.inputs[0]].type.shape
    values = np.arange(-128, 128).reshape(*shape[:-1], 1).repeat(shape[-1], -1).astype(np.int8)
    assert outputs(after, [values]) == outputs(before, [values])


@settings(max_examples=80)
@given(
    op=st.sampled_from(["ADD", "MUL", "SUB"]), constants=st.lists(st.integers(-128, 127), min_size=2, max_size=6),
    zeros=st.tuples(st.integers(-128, 127), st.integers(-128, 127)), scale=st.floats(0.2, 3.0),
    swapped=st.booleans(), moved=st.booleans(),
    shape=st.sampled_from([(256,), (1, 256), (16, 16), (1, 8, 32), (4, 8, 8)]),
)  # fmt: skip
def test_it_gives_the_same(
    op: str,
    constants: list[int],
    zeros: tuple[int, int],
    scale: float,
    swapped: bool,
    moved: bool,
    shape: tuple[int, ...],
) -> None:
    before = made(op, constants, zeros, scale, swapped, moved, shape)
    after = ChannelAffineAsDepthwise().apply(before)
    event(f"{op} {'changed' if after is not before else 'unchanged'}")
    if op == "MUL":
        assert after is not before
    assert_same(before, after)


@pytest.mark.parametrize("op", ["ADD", "MUL", "SUB"])
def test_ethos_u55_takes_it_for_less(op: str, tmp_path: Path) -> None:
    before = made(op, [9, -70, 31, 44, 101, -128, 127, 5] * 4)
    after = ChannelAffineAsDepthwise().apply(before)
    assert_same(before, after)
    pricing = Pricing(Target.parse("ethos-u55-128"), Memo(tmp_path), toolchain_versions())
    old, new = (pricing.cost([graph], 0) for graph in (before, after))
    assert [row.source_op for row in new.rows] == ["DepthwiseConv2D"]
    assert new.stream_cycles < old.stream_cycles


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_gates_of_one_scale_keep_biases_of_their_own(accelerator: str) -> None:
    """As 1 - z in a GRU, where z has other zero points from step to step."""
    p = Program()
    gates = [
        with_constants(p, p.input(1, 4, 16), "SUB", [50] * 16, (zero, -128), 1.0, swapped=True)
        for zero in (-128, -100, 0)
    ]
    before = p.graph(*gates)
    after = ChannelAffineAsDepthwise().apply(before)
    # They would have the same weights and scales, which Vela takes for the same biases too.
    assert len([node for _, node in after.operators() if node.op == "DEPTHWISE_CONV2D"]) == 3
    assert is_right(after, accelerator)


def _of_a_row() -> Graph:
    p = Program()
    x = p.input(1, 16, 16)
    each = p.data(np.arange(16).reshape(1, 16, 1), "INT8")
    inner = p.op("ADD", (p.rescale(x, "INT32", 1.0), p.rescale(each, "INT32", 1.0)), (1, 16, 16), "INT32")
    return p.graph(p.rescale(inner, "INT8", 0.5))


def _of_two_inputs() -> Graph:
    p = Program()
    return p.graph(p.add(p.input(1, 16, 16), p.input(1, 1, 16)))


@pytest.mark.parametrize("graph", [_of_a_row(), _of_two_inputs(), made("MUL", [5])], ids=["row", "inputs", "one"])
def test_others_stay(graph: Graph) -> None:
    assert ChannelAffineAsDepthwise().apply(graph) is graph


class TestChannelAffineAsDepthwise(PassContract):
    a_pass = ChannelAffineAsDepthwise()
    operators = CHANNEL_CONSTANTS
