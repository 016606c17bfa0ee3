"""Programs survive writing and reading, and the hash is that of the content."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search_space.ir.graph import CONST, INPUT, MOVE, Graph, Node, Step, TensorType, constant, move
from search_space.tosa_file.reader import read_tosa, returned_inputs
from search_space.tosa_file.writer import write_tosa, written_operators
from velatune.testing.random.graphs import graphs


def in_single_steps(graph: Graph) -> bool:
    return all(len(node.steps) == 1 for _, node in graph.operators() if node.op == MOVE)


def renumbered(graph: Graph, ids: list[int]) -> Graph:
    """The same program under other ids, in another order of its dictionary, and with other names."""
    new = dict(zip(graph.order, ids, strict=True))
    nodes = {
        new[i]: replace(graph[i], inputs=tuple(new[k] for k in graph[i].inputs), name=f"other{i}")
        for i in reversed(graph.order)
    }
    ends = [tuple(new[i] for i in end) for end in (graph.inputs, graph.outputs)]
    return Graph(nodes, ends[0], ends[1], max(ids) + 1)


def with_node(graph: Graph, node_id: int, node: Node) -> Graph:
    return Graph({**graph.nodes, node_id: node}, graph.inputs, graph.outputs, graph.next_id)


@given(graphs())
def test_a_written_program_reads_as_the_same(graph: Graph) -> None:
    data = write_tosa(graph)
    again = read_tosa(data)
    # A movement of several operators is read as several nodes, and a returned input as a copy: another graph.
    kept = in_single_steps(graph) and not returned_inputs(data)
    assert (again.hash == graph.hash) == (write_tosa(again) == data) == kept
    assert [again[i].type for i in again.inputs] == [graph[i].type for i in graph.inputs]
    assert [again[i].type for i in again.outputs] == [graph[i].type for i in graph.outputs]
    assert read_tosa(write_tosa(again)).hash == again.hash
    assert write_tosa(read_tosa(write_tosa(again))) == write_tosa(again)


@given(graph=graphs(), data=st.data())
def test_names_and_ids_do_not_count(graph: Graph, data: st.DataObject) -> None:
    count = len(graph.order)
    ids = data.draw(st.lists(st.integers(0, 10 * count), min_size=count, max_size=count, unique=True))
    other = renumbered(graph, ids)
    assert other.hash == graph.hash
    assert write_tosa(other) == write_tosa(graph)


@given(graph=graphs(), data=st.data())
def test_every_constant_and_attribute_counts(graph: Graph, data: st.DataObject) -> None:
    node_id = data.draw(st.sampled_from(graph.order))
    node = graph[node_id]
    if node.op == CONST:
        at = data.draw(st.integers(0, len(node.payload) - 1))
        payload = bytearray(node.payload)
        payload[at] ^= data.draw(st.integers(1, 255))
        changed = replace(node, payload=bytes(payload))
    elif node.op == MOVE:
        changed = replace(
            node, attributes={**node.attributes, "steps": (*node.steps, Step("reshape", node.type.shape))}
        )
    else:
        plain = [name for name, value in node.attributes.items() if isinstance(value, (bool, int, tuple, bytes))]
        assume(plain)
        name = data.draw(st.sampled_from(plain))
        value = node.attributes[name]
        other = {
            bool: lambda: not value, int: lambda: value + 1, tuple: lambda: (*value[:-1], value[-1] + 1),
            bytes: lambda: bytes([value[0] ^ 1, *value[1:]]),
        }[type(value)]()  # fmt: skip
        changed = replace(node, attributes={**node.attributes, name: other})
    assert with_node(graph, node_id, changed).hash != graph.hash


@given(graph=graphs(), data=st.data())
def test_the_order_of_operands_and_outputs_counts(graph: Graph, data: st.DataObject) -> None:
    several = [i for i, node in graph.operators() if len(set(node.inputs)) > 1]
    if several:
        node_id = data.draw(st.sampled_from(several))
        inputs = graph[node_id].inputs
        assume(inputs[::-1] != inputs)
        # Reversed operands that are equal constants, or equal subprograms, make the same program.
        swapped = with_node(graph, node_id, replace(graph[node_id], inputs=inputs[::-1]))
        assert (swapped.hash == graph.hash) == (write_tosa(swapped) == write_tosa(graph))
    if len(set(graph.outputs)) > 1:
        turned = Graph(graph.nodes, graph.inputs, graph.outputs[1:] + graph.outputs[:1], graph.next_id)
        assert (turned.hash == graph.hash) == (write_tosa(turned) == write_tosa(graph))


def two_inputs(first: tuple[int, int], outputs: tuple[int, ...] = (2,)) -> Graph:
    tensor = TensorType((2, 2), "INT32")
    nodes = {0: Node(INPUT, (), tensor), 1: Node(INPUT, (), tensor), 2: Node("SUB", first, tensor)}
    return Graph(nodes, (0, 1), outputs, 3)


def test_operands_inputs_and_outputs_in_another_order_are_another_program() -> None:
    programs = [
        two_inputs((0, 1)), two_inputs((1, 0)), two_inputs((0, 0)), two_inputs((1, 1)), two_inputs((0, 1), (2, 0)),
        two_inputs((0, 1), (0, 2)), two_inputs((0, 1), (2, 2)),
    ]  # fmt: skip
    assert len({graph.hash for graph in programs}) == len(programs)
    assert len({write_tosa(graph) for graph in programs}) == len(programs)


def test_sharing_counts() -> None:
    """One constant read twice is another program than two equal ones: the file is, and what Vela makes of it may be."""
    tensor = TensorType((4,), "INT32")
    value = constant(np.arange(4, dtype=np.int32))

    def program(second: int) -> Graph:
        nodes = {
            0: Node(INPUT, (), tensor), 1: value, 2: value, 3: Node("ADD", (0, 1), tensor),
            4: Node("ADD", (3, second), tensor),
        }  # fmt: skip
        whole = Graph(nodes, (0,), (4,), 5)
        return Graph({i: whole[i] for i in whole.order}, (0,), (4,), 5)

    assert program(1).hash != program(2).hash
    for graph in (program(1), program(2)):
        assert read_tosa(write_tosa(graph)).hash == graph.hash


def test_types_and_the_unused_input_count() -> None:
    tensor = TensorType((2, 2), "INT32")
    with_unused = two_inputs((0, 0))
    without = Graph({0: Node(INPUT, (), tensor), 2: Node("SUB", (0, 0), tensor)}, (0,), (2,), 3)
    assert with_unused.hash != without.hash
    assert len(read_tosa(write_tosa(with_unused)).inputs) == 2


def test_the_last_byte_of_an_odd_payload_is_kept() -> None:
    """INT4 packs two values in a byte, INT48 takes six: both are constants that numpy does not have."""
    data = TensorType((1, 1, 1, 3), "INT16")
    weights = Node(CONST, (), TensorType((1, 1, 1, 3), "INT4"), payload=bytes([0x21, 0x0F]))
    bias = Node(CONST, (), TensorType((1,), "INT48"), payload=bytes([1, 2, 3, 4, 5, 0x86]))
    nodes = {
        0: Node(INPUT, (), data), 1: weights, 2: bias, 3: constant(np.zeros(1, np.int16)),
        4: constant(np.zeros(1, np.int8)),
        5: Node(
            "CONV2D", (0, 1, 2, 3, 4), TensorType((1, 1, 1, 1), "INT48"),
            {"pad": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "local_bound": False, "acc_type": "INT48"},
        ),
    }  # fmt: skip
    again = read_tosa(write_tosa(Graph(nodes, (0,), (5,), 6)))
    payloads = [again[i].payload for i in again[again.outputs[0]].inputs[1:3]]
    assert payloads == [weights.payload, bias.payload]


@given(graphs())
def test_written_operators_are_those_of_the_file(graph: Graph) -> None:
    from tosa.Op import Op
    from tosa.TosaGraph import TosaGraph

    block = TosaGraph.GetRootAs(write_tosa(graph), 0).Regions(0).Blocks(0)
    origins = written_operators(graph)
    assert block.OperatorsLength() == len(origins)
    spelling = {getattr(Op, name): name for name in vars(Op) if name.isupper()}
    for at, node_id in enumerate(origins):
        node = graph[node_id]
        allowed = {node.op, "CONST_SHAPE"} if node.op != MOVE else {"TRANSPOSE", "RESHAPE", "CONST_SHAPE"}
        assert spelling[block.Operators(at).Op()] in allowed
    computed = [node_id for node_id in graph.order if graph[node_id].op != INPUT]
    assert list(dict.fromkeys(origins)) == computed


@given(graphs())
def test_bytes_begin_where_their_values_may_be_read_in_place(graph: Graph) -> None:
    """At multiples of eight, as the serialisation library writes them."""
    from tosa.ClampAttribute import ClampAttribute
    from tosa.Op import Op
    from tosa.TosaGraph import TosaGraph

    block = TosaGraph.GetRootAs(write_tosa(graph), 0).Regions(0).Blocks(0)
    found = [(block.Tensors(at)._tab, 10) for at in range(block.TensorsLength())]
    found += [(block.Shapes(at)._tab, 8) for at in range(block.ShapesLength())]
    for at in range(block.OperatorsLength()):
        operator = block.Operators(at)
        if operator.Op() == Op.CLAMP:
            clamp = ClampAttribute()
            clamp.Init(operator.Attribute().Bytes, operator.Attribute().Pos)
            found += [(clamp._tab, 4), (clamp._tab, 6)]
    assert [table.Vector(table.Offset(field)) % 8 for table, field in found] == [0] * len(found)


def test_a_move_needs_steps_that_are_one_map() -> None:
    from search_space.errors import SpaceError

    tensor = TensorType((2, 3), "INT8")
    with pytest.raises(SpaceError, match="at least one step"):
        move(0, tensor, ())
    turned = Step("transpose", (1, 0))
    with pytest.raises(SpaceError, match="not one layout map"):
        move(0, tensor, (turned, Step("reshape", (2, 3)), turned))


@given(graph=graphs(), data=st.data())
def test_an_input_that_is_a_result_is_copied(graph: Graph, data: st.DataObject) -> None:
    """Twice returned, it is copied once; the other results stay."""
    returned = data.draw(st.sampled_from(graph.inputs))
    places = data.draw(st.integers(0, len(graph.outputs)))
    outputs = (*graph.outputs[:places], returned, *graph.outputs[places:], returned)
    written = write_tosa(Graph(graph.nodes, graph.inputs, outputs, graph.next_id))
    again = read_tosa(written)
    assert len(returned_inputs(written)) == 2 + sum(i in graph.inputs for i in graph.outputs)
    assert again.outputs[places] == again.outputs[-1]
    copy = again[again.outputs[-1]]
    assert (copy.op, copy.inputs) == ("IDENTITY", (again.inputs[graph.inputs.index(returned)],))
    assert returned_inputs(write_tosa(again)) == ()
    assert len(again.order) == len(read_tosa(write_tosa(graph)).order) + (returned not in graph.outputs)
