"""Groups of channels that are moved apart, against a convolution for each."""

from dataclasses import replace

import numpy as np
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.programs.convolutions import Convolution
from support.random.attention import GROUPS

from search_space.choices.convolution.channels.split_output_channels import SplitOutputChannels
from search_space.ir.graph import MOVE, Graph, Node, Step, TensorType, constant, move
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def head(one: Convolution, groups: int, per_channel: bool = True, table: bool = True, inner: bool = False) -> Graph:
    """A convolution, RESCALE, perhaps TABLE, and its channels as `groups` of them, which go first.

    inner: a group is not channels beside each other, but every so many-th one.
    """
    graph = one.graph()
    (sums,) = graph.outputs
    random, nodes, at = np.random.default_rng(1), dict(graph.nodes), graph.next_id
    scales = one.out if per_channel else 1
    nodes[at] = constant(random.integers(1 << 30, (1 << 31) - 1, scales, np.int32))
    nodes[at + 1] = constant(random.integers(38, 40, scales).astype(np.int8))
    nodes[at + 2], nodes[at + 3] = constant(np.array([0], np.int32)), constant(np.array([-3], np.int8))
    tensor = TensorType(nodes[sums].type.shape, "INT8")
    nodes[at + 4] = Node(
        "RESCALE", (sums, at, at + 1, at + 2, at + 3), tensor,
        {"scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": per_channel, "input_unsigned": False,
         "output_unsigned": False},
    )  # fmt: skip
    value = at + 4
    if table:
        nodes[at + 5] = constant(random.integers(-128, 128, 256, np.int8))
        nodes[at + 6] = Node("TABLE", (value, at + 5), tensor)
        value = at + 6
    batch, height, width, channels = tensor.shape
    each = channels // groups
    cut, perms = ((each, groups), (3, 0, 1, 2)) if inner else ((groups, each), (2, 0, 1, 3))
    steps = (Step("reshape", (batch, height * width, *cut)), Step("transpose", perms))
    nodes[value + 1] = move(value, tensor, steps)
    return Graph(nodes, graph.inputs, (value + 1,), value + 2)


@settings(max_examples=60)
@given(
    batch=st.integers(1, 2), results=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=st.sampled_from([(1, 1), (3, 2)]), groups=st.integers(2, 4), each=st.integers(1, 3),
    zero_point=st.integers(-128, 127), per_channel=st.booleans(), table=st.booleans(), inner=st.booleans(),
)  # fmt: skip
def test_each_group_is_computed_by_itself(
    batch: int, results: tuple[int, int], kernel: tuple[int, int], groups: int, each: int, zero_point: int,
    per_channel: bool, table: bool, inner: bool,
) -> None:  # fmt: skip
    one = Convolution(results=results, channels=2, out=groups * each, kernel=kernel, batch=batch, zero_point=zero_point)
    graph = head(one, groups, per_channel, table, inner)
    assume(any(node.op == MOVE and not node.layout_map.keeps_order for _, node in graph.operators()))
    after = SplitOutputChannels().apply(graph)
    if batch > 1 and kernel != (1, 1):
        assert after is graph
        return
    event("changed" if after is not graph else "not")
    assert after is not graph
    assert problems(after) == []
    assert not any(node.op == MOVE and not node.layout_map.keeps_order for _, node in after.operators())
    assert sum(node.op == "CONV2D" for _, node in after.operators()) == groups
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


def test_groups_that_are_not_first_or_too_many_stay() -> None:
    one = Convolution(results=(4, 4), channels=2, out=34, kernel=(1, 1))
    for groups in (17, 34):
        graph = head(one, groups)
        assert SplitOutputChannels().apply(graph) is graph
    graph = head(replace(one, out=6), 2)
    (value,) = graph.outputs
    source = graph[value].inputs[0]
    steps = (Step("reshape", (1, 4, 4, 2, 3)), Step("transpose", (3, 0, 2, 1, 4)))
    turned = Graph(
        {**graph.nodes, value: move(source, graph[source].type, steps)}, graph.inputs, graph.outputs, graph.next_id
    )
    assert problems(turned) == []
    assert SplitOutputChannels().apply(turned) is turned


def test_vela_writes_the_groups_in_place() -> None:
    """No copy and no transpose is left of a detector's head on Ethos-U55."""
    graph = head(Convolution(results=(8, 8), channels=16, out=45, kernel=(1, 1)), 3)
    kinds = [
        [row.npu_op for row in compile_tosa(write_tosa(one), Target.parse("ethos-u55-128")).operators]
        for one in (graph, SplitOutputChannels().apply(graph))
    ]
    assert "Transpose" in kinds[0]
    assert kinds[1].count("Conv2D") == 3 and set(kinds[1]) <= {"Conv2D", "LUT"}


class TestSplitOutputChannels(PassContract):
    a_pass = SplitOutputChannels()
    operators = GROUPS
