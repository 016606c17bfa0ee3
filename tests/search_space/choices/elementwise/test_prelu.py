"""PReLU, on all 256 values in every channel."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.random.elementwise.prelus import PRELUS, prelu

from search_space.choices.elementwise.prelu import PRelu
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import outputs
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import Pricing


def made(slopes: np.ndarray, zero: int, swapped: bool = False) -> Graph:
    p = Program()
    return p.graph(prelu(p, p.input(1, 256, len(slopes)), slopes, zero, swapped))


def assert_same(before: Graph, after: Graph) -> None:
    assert problems(after) == []
    shape = before[before.inputs[0]].type.shape
    values = np.broadcast_to(np.arange(-128, 128)[None, :, None], shape).astype(np.int8)
    assert outputs(after, [values]) == outputs(before, [values])


@settings(max_examples=80)
@given(
    slopes=st.lists(st.floats(-2, 2), min_size=2, max_size=8), kind=st.sampled_from(["any", "positive", "flat"]),
    zero=st.integers(-128, 127), swapped=st.booleans(),
)  # fmt: skip
def test_it_gives_the_same(slopes: list[float], kind: str, zero: int, swapped: bool) -> None:
    array = np.array(slopes)
    before = made({"any": array, "positive": abs(array), "flat": abs(array) / 3}[kind], zero, swapped)
    after = PRelu().apply(before)
    event("changed" if after is not before else "unchanged")
    assert_same(before, after)


@pytest.mark.parametrize(
    ("slopes", "tables", "clamps"),
    [([0.1, 0.25, 0.4], 2, 0), ([0.1, 0.7, 1.5], 2, 0), ([-1.5, 0.25, 1.9], 2, 1)],
    ids=["flat", "steep", "of both signs"],
)
def test_forms(slopes: list[float], tables: int, clamps: int) -> None:
    before = made(np.array(slopes), -5)
    after = PRelu().apply(before)
    assert_same(before, after)
    ops = [node.op for _, node in after.operators()]
    assert [ops.count(op) for op in ("ADD", "TABLE", "CLAMP")] == [0, tables, clamps]


@pytest.mark.parametrize("target", ["ethos-u55-128", "ethos-u85-256"])
def test_flat_slopes_take_two_operations_or_one(target: str, tmp_path: Path) -> None:
    pricing = Pricing(Target.parse(target), Memo(tmp_path), toolchain_versions())
    before = made(np.linspace(0.1, 0.4, 16), -5)
    old, new = (pricing.cost([graph], 0) for graph in (before, PRelu().apply(before)))
    assert len([row for row in new.rows if row.cycles]) <= 2
    assert new.vela_cycles < old.vela_cycles
    if target == "ethos-u55-128":  # on Ethos-U85 copying the table from DRAM takes longer than so small a PReLU
        assert new.stream_cycles < old.stream_cycles


def test_two_different_values_stay() -> None:
    p = Program()
    first, second = p.input(1, 256, 4), p.input(1, 256, 4)
    result = prelu(p, first, np.full(4, 0.2) + np.arange(4) / 9, -5)
    clamps = [i for i, node in p.nodes.items() if node.op == "CLAMP"]
    p.nodes[clamps[0]] = p.nodes[p.clamp(second, -5, 127)]
    graph = p.graph(result)
    assert PRelu().apply(graph) is graph


class TestPRelu(PassContract):
    a_pass = PRelu()
    operators = PRELUS
