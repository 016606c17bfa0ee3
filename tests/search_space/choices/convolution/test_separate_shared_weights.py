"""What Vela would take for something else is written in another way."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.random.convolution.shared_weights import SHARED_WEIGHTS, Site, sites, with_shared_weights
from support.values.executed import is_right

from benchmarks.correctness.miscompilations.constants.shared_weights import MISCOMPILATION
from search_space.building.miscompiled.shared_weights import sharing
from search_space.choices.convolution.separate_shared_weights import SeparateSharedWeights
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from velatune.testing import PassContract
from velatune.testing.program import Program

TARGETS = ("ethos-u55-128", "ethos-u65-256", "ethos-u85-256")
CHANNELS = 8


def made(*drawn: Site, op: str = "CONV2D", largest: int = 100, kernel: int = 1) -> Graph:
    p = Program()
    return p.graph(*with_shared_weights(p, p.input(1, 4, 4, CHANNELS), drawn, op, largest, kernel))


def is_mistaken(graph: Graph) -> bool:
    return any(sharing(Editor(graph), node_id) for node_id in graph.operator_ids)


@settings(max_examples=25)
@given(
    drawn=sites(CHANNELS), op=st.sampled_from(["CONV2D", "DEPTHWISE_CONV2D", "TRANSPOSE_CONV2D"]),
    largest=st.sampled_from([100, 127]), kernel=st.sampled_from([1, 3]), target=st.sampled_from(TARGETS),
)  # fmt: skip
def test_vela_keeps_apart_what_the_pass_leaves(
    drawn: list[Site], op: str, largest: int, kernel: int, target: str
) -> None:
    assume(op != "TRANSPOSE_CONV2D" or kernel == 1)
    graph = made(*drawn, op=op, largest=largest, kernel=kernel)
    after = verify(SeparateSharedWeights().apply(graph))
    event(f"mistaken before {is_mistaken(graph)}, after {is_mistaken(after)}")
    if not is_mistaken(graph):
        assert after is graph
    if not is_mistaken(after):
        assert is_right(after, target)
    if len(drawn) == 2:  # with more, the one that Vela encodes first may be another one
        assert is_right(graph, target) != is_mistaken(graph)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", MISCOMPILATION.programs)
def test_it_makes_the_stream_right(name: str, target: str) -> None:
    graph = MISCOMPILATION.programs[name]
    assert not is_right(graph, target)  # else Vela was mended, and the pass has no use any more
    after = verify(SeparateSharedWeights().apply(graph))
    assert is_right(after, target)
    assert SeparateSharedWeights().apply(after) is after


def written(graph: Graph) -> list[tuple[int, bool]]:
    """Of each convolution with its RESCALE: the zero point of the weights, and whether each channel has a scale."""
    found = []
    for _, node in graph.operators():
        if node.op == "RESCALE":
            convolution = graph[node.inputs[0]]
            found.append((int(graph[convolution.inputs[4]].array[0]), bool(node.attributes["per_channel"])))
    return found


def test_weights_are_stored_twice_only_where_scales_do_not_help() -> None:
    after = SeparateSharedWeights().apply(made(Site(1), Site(2)))
    assert sorted(written(after)) == [(0, False), (0, True)]
    after = SeparateSharedWeights().apply(made(Site(1), Site(2), Site(3)))
    assert len(set(written(after))) == 3 and not is_mistaken(after)


def test_weights_of_the_whole_range_have_four_ways() -> None:
    """-127 to 127 can move by one."""
    assert not is_mistaken(SeparateSharedWeights().apply(made(*map(Site, range(4)), largest=127)))
    assert is_mistaken(SeparateSharedWeights().apply(made(*map(Site, range(5)), largest=127)))


@pytest.mark.parametrize(
    "others",
    [(Site(7), Site(7)), (Site(7), Site(8, shift=37)), (Site(7), Site(8, scales=CHANNELS))],
    ids=["equal", "other scales", "as many scales as channels"],
)
def test_what_vela_keeps_apart_stays(others: tuple[Site, ...]) -> None:
    graph = made(*others)
    assert all(is_right(graph, target) for target in TARGETS)
    assert SeparateSharedWeights().apply(graph) is graph


class TestSeparateSharedWeights(PassContract):
    a_pass = SeparateSharedWeights()
    operators = SHARED_WEIGHTS
