"""Convolutions that have weights in common, and not all else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from velatune.testing.program import Program
from velatune.testing.random.builder import Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.movements import read

SHARED_WEIGHTS: Kind = []


@dataclass(frozen=True)
class Site:
    """One of the convolutions. scales: how many the RESCALE has, one or as many as channels; 0 for no RESCALE."""

    bias: int = 0
    zero_point: int = 0
    shift: int = 38
    scales: int = 1


def with_shared_weights(
    p: Program, x: int, sites: Sequence[Site], op: str = "CONV2D", largest: int = 100, kernel: int = 1
) -> tuple[int, ...]:
    """Convolutions of x, int8[N,H,W,C], with as many channels. largest: of the weights."""
    batch, height, width, channels = p.shape(x)
    shape = (batch, height - kernel + 1, width - kernel + 1, channels)
    depthwise = op == "DEPTHWISE_CONV2D"
    layout = (kernel, kernel, channels, 1) if depthwise else (channels, kernel, kernel, channels)
    weights = p.random.integers(-largest, largest + 1, layout)
    weights.ravel()[0], weights.ravel()[-1] = -largest, largest
    results = []
    for one in sites:
        constants = (
            p.data(weights, "INT8"), p.data(np.full(channels, one.bias), "INT32"), p.data(3, "INT8"),
            p.data(one.zero_point, "INT8"),
        )  # fmt: skip
        places = {"out_pad": (0,) * 4} if op == "TRANSPOSE_CONV2D" else {"pad": (0,) * 4, "dilation": (1, 1)}
        sums = p.op(
            op, (x, *constants), shape, "INT32", stride=(1, 1), local_bound=False, acc_type="INT32", **places
        )  # fmt: skip
        scales = one.scales and [1 << 30] * one.scales
        results.append(p.rescale_by(sums, "INT8", scales, [one.shift] * one.scales) if scales else sums)
    return tuple(results)


def sites(channels: int) -> st.SearchStrategy[list[Site]]:
    one = st.builds(
        Site, bias=st.sampled_from([3000, -9000]), zero_point=st.sampled_from([0, 0, 0, 5]),
        shift=st.sampled_from([38, 38, 37]), scales=st.sampled_from([1, 1, channels, 0]),
    )  # fmt: skip
    return st.lists(one, min_size=2, max_size=4)


@on("INT8", kind=SHARED_WEIGHTS, rank=4)
def _with_shared_weights(b: Builder, value: int) -> None:
    op = b.draw(st.sampled_from(["CONV2D", "DEPTHWISE_CONV2D"]))
    drawn = b.draw(sites(b.shape(value)[-1]))
    first = max(b.nodes) + 1
    p = Program(b.nodes, b.inputs, b.random)
    results = with_shared_weights(p, value, drawn, op, b.draw(st.sampled_from([100, 127])))
    for node_id in range(first, len(b.nodes)):
        b.bounds[node_id] = (-128, 127) if b.type(node_id).dtype == "INT8" else (-(1 << 30), 1 << 30)
    for result in results:
        b.values.append(result)
        if b.chance(3) and b.type(result).dtype == "INT8":
            read(b, result)
