"""Programs of one convolution with random weights."""

from dataclasses import dataclass, replace

import numpy as np

from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape

Padding = tuple[int, int, int, int]


@dataclass(frozen=True)
class Convolution:
    """results: spatial sizes; the data's follow from them. out: results for each channel of a depthwise one."""

    op: str = "CONV2D"
    results: Shape = (4, 5)
    channels: int = 1
    out: int = 2
    kernel: Shape = (3, 3)
    stride: Shape = (1, 1)
    pad: Shape = (0, 0, 0, 0)
    dilation: Shape = (1, 1)
    batch: int = 1
    zero_point: int = -3
    weight_zero_point: int = 0
    dtype: str = "INT8"

    @property
    def data(self) -> Shape:
        """Has no size below 1 where the program exists."""
        sizes = (
            (self.results[d] - 1) * self.stride[d]
            + (self.kernel[d] - 1) * self.dilation[d]
            + 1
            - sum(self.pad[2 * d : 2 * d + 2])
            for d in (0, 1)
        )
        return (self.batch, *sizes, self.channels)

    def graph(self) -> Graph:
        depthwise = self.op == "DEPTHWISE_CONV2D"
        random = np.random.default_rng(0)
        weights = (*self.kernel, self.channels, self.out) if depthwise else (self.out, *self.kernel, self.channels)
        out = self.channels * self.out if depthwise else self.out
        accumulator = "INT32" if self.dtype == "INT8" else "INT48"
        bias = random.integers(-1000, 1000, out)
        payload = b"".join(int(v).to_bytes(6, "little", signed=True) for v in bias)
        nodes = {
            0: Node(INPUT, (), TensorType(self.data, self.dtype)),
            1: constant(random.integers(-127, 128, weights, np.int8)),
            2: constant(bias.astype(np.int32))
            if self.dtype == "INT8"
            else Node("CONST", (), TensorType((out,), "INT48"), payload=payload),
            3: constant(np.array([self.zero_point], np.int8 if self.dtype == "INT8" else np.int16)),
            4: constant(np.array([self.weight_zero_point], np.int8)),
            5: Node(
                self.op, (0, 1, 2, 3, 4), TensorType((self.batch, *self.results, out), accumulator),
                {"pad": self.pad, "stride": self.stride, "dilation": self.dilation, "local_bound": False,
                 "acc_type": accumulator},
            ),
        }  # fmt: skip
        return Graph(nodes, (0,), (5,), 6)


def padded(one: Convolution, padding: Padding, value: int, nchw: bool = False) -> Graph:
    """The convolution, its input padded along height and width from what is asked for."""
    graph = one.graph()
    n, h, w, c = one.data
    h, w = h - sum(padding[:2]), w - sum(padding[2:])
    shape: Shape = (n, c, h, w) if nchw else (n, h, w, c)
    nodes = dict(graph.nodes)
    nodes[0] = replace(nodes[0], type=TensorType(shape, one.dtype))
    nodes[6] = constant(np.array([value], np.int8))
    whole = (n, c, *one.data[1:3]) if nchw else one.data
    around = (0, 0, 0, 0, *padding) if nchw else (0, 0, *padding, 0, 0)
    nodes[7] = Node("PAD", (0, 6), TensorType(whole, one.dtype), {"padding": around})
    if nchw:
        nodes[8] = move(7, nodes[7].type, (Step("transpose", (0, 2, 3, 1)),))
    nodes[5] = replace(nodes[5], inputs=(8 if nchw else 7, *nodes[5].inputs[1:]))
    return Graph(nodes, (0,), (5,), 9)
