"""Structure: the same for other weights, at its first level for other sizes too, and for no other program."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.ir.graph import CONST, Graph
from search_space.ir.structure import structure_of
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from velatune.testing.program import Program
from velatune.testing.random.graphs import graphs


def network(side: int = 12, channels: int = 16, seed: int = 1, classes: int = 10, low: int = -128) -> Graph:
    """A residual block and a classifier."""
    p = Program(random=np.random.default_rng(seed))
    x = p.conv(p.input(1, side, side, 3), channels, (3, 3))
    x = p.max_pool(p.add(x, p.clamp(p.conv(x, channels), low)), 2)
    x = p.slice(x, (0, 0, 0, 0), (1, 1, 1, channels))
    return p.graph(p.reshape(p.conv(x, classes), 1, classes))


def test_other_weights_are_the_same_structure() -> None:
    one, other = network(seed=1), network(seed=2, low=-100)
    assert one.hash != other.hash
    assert structure_of([one]) == structure_of([other])


@pytest.mark.parametrize("sizes", [{"side": 20}, {"channels": 24}, {"classes": 2}])
def test_other_sizes_are_the_same_operators(sizes: dict[str, int]) -> None:
    one, other = structure_of([network()]), structure_of([network(**sizes)])
    assert one.operators == other.operators
    assert one.shapes != other.shapes


@given(graph=graphs(), data=st.data())
def test_values_do_not_count(graph: Graph, data: st.DataObject) -> None:
    """Not even if they make two constants equal, which may then be one; names and ids count as little."""
    constants = [node_id for node_id in graph.order if graph[node_id].op == CONST]
    if not constants:
        return
    chosen = data.draw(st.sampled_from(constants))
    node = graph[chosen]
    zeros = replace(node, payload=bytes(len(node.payload)), name="other")
    alike = [i for i in constants if graph[i].type == node.type]
    emptied = {
        i: replace(n, inputs=tuple(chosen if k in alike else k for k in n.inputs)) for i, n in graph.nodes.items()
    }
    shared = Graph({**emptied, chosen: zeros}, graph.inputs, graph.outputs, graph.next_id)
    if not set(alike) & set(graph.outputs):
        shared = Graph({i: shared[i] for i in shared.order}, graph.inputs, graph.outputs, graph.next_id)
    assert structure_of([shared]) == structure_of([graph])
    again = read_tosa(write_tosa(graph))
    assert structure_of([read_tosa(write_tosa(shared))]) == structure_of([again])


@given(graph=graphs(), data=st.data())
def test_every_operator_and_edge_counts(graph: Graph, data: st.DataObject) -> None:
    computed = [node_id for node_id, node in graph.operators() if node.inputs and node.op != "MOVE"]
    if not computed:
        return
    chosen = data.draw(st.sampled_from(computed))
    node = graph[chosen]
    of_type = [i for i in graph.order[: graph.order.index(chosen)] if graph[i].op != CONST]
    other = data.draw(st.sampled_from(of_type)) if of_type else node.inputs[0]
    changed = data.draw(st.sampled_from([replace(node, op="CEIL"), replace(node, inputs=(other, *node.inputs[1:]))]))
    if changed.same_as(node):
        return
    rewired = Graph({**graph.nodes, chosen: changed}, graph.inputs, graph.outputs, graph.next_id)
    assert structure_of([rewired]).operators != structure_of([graph]).operators


def test_delegates_and_what_is_around_them_count() -> None:
    one, other = network(), network(classes=2)
    reported = [
        structure_of([one]),
        structure_of([one, one]),
        structure_of([one, other]),
        structure_of([one], ["softmax"]),
    ]
    assert len({structure.shapes for structure in reported}) == 4
    assert reported[1].operators == reported[2].operators
    assert len({structure.operators for structure in reported}) == 3
