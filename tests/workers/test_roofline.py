"""What no lowering can go below, and that nothing does."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluators import evaluator
from support.programs.lowered import Lowered

from benchmarks.predictions.beats import moved_sram
from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from search_space.ir.layout_map import Shape
from search_space.recipe.recipe import Recipe
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.cost.estimates.needed_elements import needed_elements
from workers.ethos_u.cost.estimates.roofline import bound
from workers.ethos_u.cost.stream_cost.hardware.npu import npu_of
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

#: No padding, and strides at which all data is read.
DENSE = {"pad": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1)}
ATTRIBUTES = {
    "CONV2D": DENSE, "DEPTHWISE_CONV2D": DENSE, "TRANSPOSE_CONV2D": {"out_pad": (0, 0, 0, 0), "stride": (2, 2)},
}  # fmt: skip


def layer(op: str, data: Shape, weights: Shape, result: Shape) -> Graph:
    """One operator with weights on one input."""
    inputs = (0, 1) if op == "MATMUL" else (0, 1, 2)
    nodes = {
        0: Node(INPUT, (), TensorType(data, "INT8")),
        1: constant(np.zeros(weights, np.int8)),
        2: constant(np.zeros(1, np.int32)),
        3: Node(op, inputs, TensorType(result, "INT32"), ATTRIBUTES.get(op, {})),
    }
    return Graph(nodes, (0,), (3,), 4)


@pytest.mark.parametrize(
    ("graph", "macs"),
    [
        (layer("CONV2D", (1, 8, 8, 3), (16, 3, 3, 3), (1, 6, 6, 16)), 6 * 6 * 16 * 3 * 3 * 3),
        (layer("DEPTHWISE_CONV2D", (1, 8, 8, 3), (3, 3, 3, 2), (1, 6, 6, 6)), 6 * 6 * 6 * 3 * 3),
        (layer("TRANSPOSE_CONV2D", (1, 4, 4, 3), (5, 2, 2, 3), (1, 8, 8, 5)), 4 * 4 * 3 * 5 * 2 * 2),
        (layer("MATMUL", (2, 7, 5), (2, 5, 3), (2, 7, 3)), 2 * 7 * 5 * 3),
    ],
    ids=lambda one: "" if isinstance(one, int) else one[3].op,
)
def test_multiplications(graph: Graph, macs: int) -> None:
    found = bound([graph], Target.parse("ethos-u55-128"))
    assert found.macs == macs
    assert (found.mac_cycles - 1) * 128 < macs <= found.mac_cycles * 128
    assert found.moved_bytes == graph[0].type.elements + 4 * graph[3].type.elements
    assert found.constant_bytes_per_cycle == 1, "0.5 GB/s at 500 MHz"
    twice = bound([graph, graph], Target.parse("ethos-u65-512"))
    assert (twice.macs, twice.moved_bytes) == (2 * found.macs, 2 * found.moved_bytes)
    assert (twice.mac_cycles - 1) * 512 < 2 * macs <= twice.mac_cycles * 512


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_a_program_costs_more(stock: Callable[[str], Lowered], accelerator: str, tmp_path: Path) -> None:
    one = evaluator(stock(accelerator).tosa, accelerator, tmp_path)
    least = one.bound()
    cost = one.evaluate(Recipe()).cost
    assert cost is not None and least is not None
    for cycles in (cost["stream_cycles"], cost["vela_cycles"]):
        assert cycles > max(least.mac_cycles, least.move_cycles) > 0


results = st.integers(1, 16)


@settings(max_examples=15)
@given(
    st.sampled_from(["ethos-u55-128", "ethos-u85-256"]), st.tuples(results, results), st.sampled_from([1, 8, 16, 64]),
    st.tuples(st.integers(1, 3), st.integers(1, 3)), st.tuples(st.integers(1, 3), st.integers(1, 3)), st.booleans(),
)  # fmt: skip
def test_no_program_moves_less(
    accelerator: str, places: Shape, depth: int, kernel: tuple[int, int], stride: tuple[int, int], sliced: bool
) -> None:
    """Strides beyond the kernel, and slices, leave data unread."""
    p = Program()
    height, width = ((number - 1) * step + 1 for number, step in zip(places, stride, strict=True))
    image = p.input(1, height + sliced, width + sliced, depth)
    if sliced:
        image = p.slice(image, (0, 1, 0, 0), (1, height, width, depth))
    graph = p.graph(p.conv(image, 8, kernel, stride))
    target = Target.parse(accelerator)
    compiled = compile_tosa(p.tosa(*graph.outputs), target)
    assert bound([graph], target).moved_bytes <= sum(moved_sram(npu_of(target), decode(compiled.command_stream)))


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_what_a_window_leaves_out_is_not_needed(height: int, width: int, taps: int, step: int, apart: int) -> None:
    """The pixels that results depend on, one by one."""
    p = Program()
    height, width = 1 + (height - 1) * step, 1 + (width - 1) * step
    image = p.input(1, height, width, 2)
    graph = p.graph(p.conv(image, 2, (taps, taps), (step, step), (apart, apart)))
    (node,) = (one for _, one in graph.operators() if one.op == "CONV2D")
    read = np.zeros((height, width), bool)
    for row, column, y, x in np.ndindex(*node.type.shape[1:3], taps, taps):
        at = row * step + y * apart - node.attributes["pad"][0], column * step + x * apart - node.attributes["pad"][2]
        if 0 <= at[0] < height and 0 <= at[1] < width:
            read[at] = True
    assert needed_elements(graph)[image] == 2 * read.sum()


def test_taps_on_padding_are_no_multiplications() -> None:
    p = Program()
    graph = p.graph(p.conv(p.input(1, 1, 20, 8), 16, (3, 3)))
    assert bound([graph], Target.parse("ethos-u55-128")).macs == 20 * 16 * 8 * 3
