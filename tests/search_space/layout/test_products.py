"""Matrix products and convolutions, where maps pass them, on programs full of sites."""

import numpy as np
from hypothesis import event, given, note, settings
from hypothesis import strategies as st

from search_space.choices.matmul.transpose_matmul import TransposeMatmul
from search_space.ir.dtypes import NUMPY
from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape
from search_space.ir.printer import print_graph
from search_space.ir.verifier import problems
from search_space.passes.base import Pass
from search_space.passes.transposes.sink_transposes import SinkTransposes
from velatune.testing.reference_values import input_sets, outputs

SIZES = st.integers(1, 5)
TURN = Step("transpose", (0, 2, 1))
ZERO = np.zeros(1, np.int8)


class Builder:
    """Nodes in the order in which they are added."""

    def __init__(self, *inputs: Shape) -> None:
        self.nodes = {i: Node(INPUT, (), TensorType(shape, "INT8")) for i, shape in enumerate(inputs)}
        self.inputs = tuple(self.nodes)

    def add(self, node: Node) -> int:
        self.nodes[len(self.nodes)] = node
        return len(self.nodes) - 1

    def moved(self, value: int, *steps: Step) -> int:
        return self.add(move(value, self.nodes[value].type, steps)) if steps else value

    def rescaled(self, value: int, channels: int = 1) -> int:
        """To int8; per channel if there are several."""
        shift = np.full(channels, 36, np.int8)
        multiplier = np.arange(channels, dtype=np.int32) * 1000 + (1 << 30)
        zeros = np.zeros(1, NUMPY[self.nodes[value].type.dtype]), np.full(1, 5, np.int8)
        parameters = (constant(one) for one in (multiplier, shift, *zeros))
        attributes = {
            "scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": channels > 1,
            "input_unsigned": False, "output_unsigned": False,
        }  # fmt: skip
        result = TensorType(self.nodes[value].type.shape, "INT8")
        return self.add(Node("RESCALE", (value, *map(self.add, parameters)), result, attributes))

    def graph(self, *results: int) -> Graph:
        return Graph(self.nodes, self.inputs, results, len(self.nodes))


@settings(max_examples=150)
@given(data=st.data(), batch=st.integers(1, 3), rows=SIZES, depth=SIZES, columns=SIZES)
def test_a_turned_product_is_the_same(data: st.DataObject, batch: int, rows: int, depth: int, columns: int) -> None:
    turned = [data.draw(st.booleans()) for _ in range(3)]
    shapes = [(batch, rows, depth), (batch, depth, columns)]
    b = Builder(*((n, w, h) if turn else (n, h, w) for (n, h, w), turn in zip(shapes, turned, strict=False)))
    operands = [b.moved(i, TURN) if turn else i for i, turn in zip(b.inputs, turned, strict=False)]
    if data.draw(st.booleans()):
        operands[1] = b.add(constant(np.arange(batch * depth * columns, dtype=np.int8).reshape(shapes[1])))
        operands[1] = b.moved(b.moved(operands[1], TURN), TURN) if turned[1] else operands[1]
    zeros = (b.add(constant(np.full(1, 3, np.int8))), b.add(constant(np.full(1, -7, np.int8))))
    product = b.add(Node("MATMUL", (*operands, *zeros), TensorType((batch, rows, columns), "INT32")))
    value = b.rescaled(product)
    if data.draw(st.booleans()):
        value = b.rescaled(b.moved(value, Step("reshape", (batch, rows, columns))))
    result = b.moved(value, TURN) if turned[2] else value
    results = (result, operands[0]) if data.draw(st.booleans()) and turned[0] else (result,)
    assert_same(TransposeMatmul(), b.graph(*results))


@settings(max_examples=100)
@given(data=st.data(), batch=SIZES, height=SIZES, width=SIZES, channels=SIZES, out=SIZES)
def test_pixels_pass_a_convolution(
    data: st.DataObject, batch: int, height: int, width: int, channels: int, out: int
) -> None:
    shape = (batch, height, width, channels)
    b = Builder(shape)
    perms = data.draw(st.one_of(st.just((0, 2, 1, 3)), st.permutations(range(4)).map(tuple)))
    value = b.moved(0, Step("transpose", perms))
    kernel = data.draw(st.sampled_from([(1, 1), (1, 1), (2, 3), (3, 1)]))
    if kernel == (1, 1) and data.draw(st.booleans()):
        n, h, w, c = b.nodes[value].type.shape
        value = b.moved(value, Step("reshape", (n * h * w, 1, 1, c)))
    n, h, w, c = b.nodes[value].type.shape
    pad = (0, 0, 0, 0) if kernel == (1, 1) else data.draw(st.sampled_from([(1, 2, 2, 1), (2, 1, 1, 1)]))
    result = (n, h + pad[0] + pad[1] - kernel[0] + 1, w + pad[2] + pad[3] - kernel[1] + 1, out)
    weights = (np.arange(out * kernel[0] * kernel[1] * c) * 37 % 251).astype(np.uint8).view(np.int8)
    parameters = [weights.reshape(out, *kernel, c), np.arange(out, dtype=np.int32), ZERO + 4, ZERO]
    attributes = {"pad": pad, "stride": (1, 1), "dilation": (1, 1), "local_bound": False, "acc_type": "INT32"}
    inputs = (value, *(b.add(constant(one)) for one in parameters))
    conv = b.add(Node("CONV2D", inputs, TensorType(result, "INT32"), attributes))
    assert_same(SinkTransposes(), b.graph(b.rescaled(conv, out)))


def assert_same(one: Pass, before: Graph) -> None:
    assert problems(before) == []
    after = one.apply(before)
    event("changed" if after is not before else "unchanged")
    note(print_graph(before))
    note(print_graph(after))
    assert problems(after) == []
    assert one.apply(after) is after
    for arrays in input_sets(before):
        assert outputs(after, arrays) == outputs(before, arrays)
