"""Functions in front of a MAX_POOL2D: some of them never fall."""

import numpy as np
from hypothesis import strategies as st

from search_space.ir.graph import TensorType
from support.random.elementwise.prelus import prelu, rescale
from velatune.testing.program import Program
from velatune.testing.random.builder import ALL, Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.movements import read

POOLED: Kind = []


@on(*ALL, kind=POOLED)
def _pooled(b: Builder, value: int) -> None:
    """A TABLE, a RESCALE to INT32 and back, a PReLU or nothing, and MAX_POOL2D."""
    h, w, c = (b.draw(st.integers(1, most)) for most in (5, 5, 3))
    value = b.input(TensorType((b.draw(st.integers(1, 2)), h, w, c), "INT8"))
    p = Program(b.nodes, b.inputs)
    before = max(b.bounds) + 1
    kind = b.draw(st.sampled_from(["table", "rising table", "rising table", "rescales", "prelu"]))
    if kind == "prelu":
        low = b.draw(st.sampled_from([0.05, 0.05, -0.4]))
        result = prelu(p, value, b.random.uniform(low, 0.9, c), -3)
    elif kind == "rescales":
        result = rescale(p, rescale(p, value, "INT32", 1.0, 4, 0), "INT8", 0.7, 0, 9)
    else:
        table = b.random.integers(-128, 128, 256)
        result = p.op("TABLE", (value, p.data(np.sort(table) if "rising" in kind else table, "INT8")), (p.shape(value)))
    kernel = b.draw(st.integers(1, h)), b.draw(st.integers(1, w))
    shape = (p.shape(value)[0], h - kernel[0] + 1, w - kernel[1] + 1, c)
    pooled = p.op("MAX_POOL2D", (result,), shape, kernel=kernel, stride=(1, 1), pad=(0, 0, 0, 0), nan_mode="PROPAGATE")
    for node_id in range(before, len(b.nodes)):
        b.bounds[node_id] = -(1 << 30), 1 << 30
    for one in (result, pooled):
        b.bounds[one] = -128, 127
    b.values.append(pooled)
    if b.chance(6):
        b.values.append(result)
        read(b, result)
