"""Convolutions with weights of four bits."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from search_space.ir.graph import CONST, Node, TensorType
from velatune.testing.random.builder import ALL, Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.layers import convolved, depthwise
from velatune.testing.random.operators import rescaled

PACKED: Kind = []


@on(*ALL, kind=PACKED)
def _packed(b: Builder, value: int) -> None:
    """A convolution of int8 data, and RESCALE."""
    shape = tuple(b.draw(st.integers(least, 4)) for least in (1, 2, 2, 1))
    value, kernel = b.input(TensorType(shape, "INT8")), b.draw(st.sampled_from([(1, 1), (2, 1), (1, 2)]))
    count, layer = b.draw(st.integers(1, 3)), b.draw(st.sampled_from([convolved, depthwise]))
    sums = layer(b, value, kernel, count)
    if sums is None:
        return
    node = b.nodes[sums]
    weights = b.type(node.inputs[1])
    inputs = (value, _int4(b, weights.shape), *node.inputs[2:4], _int4(b, (1,), zero=True))
    b.nodes[sums] = replace(node, inputs=inputs)
    rescaled(b, sums, "INT8")


def _int4(b: Builder, shape: tuple[int, ...], zero: bool = False) -> int:
    """The id of a constant: two values to a byte, the first one in its lower half."""
    values = np.zeros(shape, np.int8) if zero else b.random.integers(-7, 8, shape)
    halves = np.resize(np.append(values.reshape(-1) & 15, 0), (values.size + 1) // 2 * 2).astype(np.uint8)
    node_id = len(b.nodes)
    payload = (halves[::2] | halves[1::2] << 4).tobytes()
    b.nodes[node_id] = Node(CONST, (), TensorType(shape, "INT4"), payload=payload)
    return node_id
