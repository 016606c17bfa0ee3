"""The operation that goes wrong first, in programs that Vela miscompiles and in streams that were changed."""

from __future__ import annotations

import pytest
from support.programs.npu_programs import everything

from search_space.ir.graph import Graph, constant
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from velatune.testing.program import Program
from workers.checking.check_inputs import CheckInput, check_inputs
from workers.ethos_u.command_stream import Kind, decode
from workers.ethos_u.stream_check.first_difference import Difference, first_difference
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, compile_tosa

TARGETS = ("ethos-u55-128", "ethos-u65-512", "ethos-u85-256")


def random_inputs(graph: Graph) -> CheckInput:
    return check_inputs(graph, (), 0)[0]


def compiled_for(graph: Graph, accelerator: str) -> Compiled:
    return compile_tosa(write_tosa(graph), Target.parse(accelerator))


def found(graph: Graph, accelerator: str) -> Difference | None:
    return first_wrong(graph, compiled_for(graph, accelerator))


def first_wrong(graph: Graph, compiled: Compiled) -> Difference | None:
    return first_difference(graph, compiled.npu_program, compiled.operators, random_inputs(graph))


@pytest.mark.parametrize("accelerator", TARGETS)
def test_in_right_programs_nothing_differs(accelerator: str) -> None:
    for name, tosa in everything(accelerator.rpartition("-")[0]).items():
        assert found(read_tosa(tosa), accelerator) is None, name


def with_other_biases(graph: Graph, number: int) -> Graph:
    """The same program but for the biases of the first channels of a convolution, counted from 0."""
    convolution = [i for i in graph.order if "CONV2D" in graph[i].op][number]
    bias = graph[convolution].inputs[2]
    values = graph[bias].array.copy()
    values[:4] += 30_000
    return Graph({**graph.nodes, bias: constant(values, "INT32")}, graph.inputs, graph.outputs, graph.next_id)


@pytest.mark.parametrize("accelerator", TARGETS)
@pytest.mark.parametrize("number", [0, 1])
def test_other_biases_are_found_where_they_are_added(accelerator: str, number: int) -> None:
    p = Program()
    first = p.conv(p.table(p.input(1, 9, 7, 16)), 24, (3, 3))
    second = p.conv(p.add(p.table(first), p.input(1, 9, 7, 24)), 40)
    graph = p.graph(p.clamp(second, -100, 100))
    compiled = compiled_for(with_other_biases(graph, number), accelerator)
    found = first_wrong(graph, compiled)
    assert found is not None
    operations = enumerate(decode(compiled.command_stream).operations)
    assert found.operation == [at for at, one in operations if one.kind is Kind.CONV][number]
    assert found.kind == "conv" and found.source_op == "Conv2D"
    # What the convolution writes is the value after its RESCALE, and after the TABLE or CLAMP that is fused into it.
    assert graph[found.node].op == ("TABLE", "CLAMP")[number]
    assert 0 < found.differing <= 4 * 9 * 7 < found.elements == graph[found.node].type.elements


def test_rolling_buffers_are_compared() -> None:
    """Convolutions of an image so large that Vela computes them in turns, a few rows each."""
    p = Program()
    first = p.conv(p.input(1, 128, 128, 8), 64, (3, 3))
    graph = p.graph(p.conv(p.conv(first, 64, (3, 3), depthwise=True), 8))
    compiled = compiled_for(graph, "ethos-u65-512")
    kinds = [one.kind for one in decode(compiled.command_stream).operations if one.kind is not Kind.DMA]
    assert kinds.count(Kind.DEPTHWISE) > 4 and Kind.CONV in kinds[kinds.index(Kind.DEPTHWISE) : -4], "in turns"
    assert first_wrong(graph, compiled) is None
    rescales = [i for i in graph.order if graph[i].op == "RESCALE"]
    for number, node in enumerate(rescales):
        other = compiled_for(with_other_biases(graph, number), "ethos-u65-512")
        one = first_wrong(graph, other)
        assert one is not None and one.node == node


def sliced_product() -> Graph:
    p = Program()
    whole, other = p.input(4, 10, 16), p.input(2, 16, 8)
    return p.graph(p.matmul(p.slice(p.table(whole), (1, 0, 0), (2, 10, 16)), other))


def batched_convolution() -> Graph:
    p = Program()
    return p.graph(p.table(p.conv(p.table(p.input(16, 1, 1, 32)), 24)))


def dilated_slice() -> Graph:
    p = Program()
    part = p.slice(p.table(p.input(1, 12, 12, 16)), (0, 1, 1, 0), (1, 9, 9, 16))
    return p.graph(p.table(p.conv(part, 16, (3, 3), dilation=(3, 3))))


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512"])
def test_what_vela_makes_of_a_product_of_a_slice_is_named(accelerator: str) -> None:
    graph = sliced_product()
    one = found(graph, accelerator)
    assert one is not None and one.source_op == "MatMul" and one.node == graph.outputs[0]
    assert "is the first to go wrong" in str(one) and f"{one.differing} of 160 values of RESCALE" in str(one)


@pytest.mark.parametrize("accelerator", TARGETS)
def test_a_convolution_that_is_given_the_shape_of_what_follows_is_named(accelerator: str) -> None:
    for graph in (batched_convolution(), dilated_slice()):
        one = found(graph, accelerator)
        assert one is not None and one.kind == "conv" and one.source_op == "Conv2D"
        tables = [i for i in graph.order if graph[i].op == "TABLE"]
        assert one.node in (tables[1], graph[tables[1]].inputs[0]), "not the table before it, which is right"
