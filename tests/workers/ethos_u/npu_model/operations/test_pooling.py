"""Pools, reductions and copies give the reference model's results."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.streams.elementwise_inputs import wide_inputs
from support.values.executed import compiled, inputs_for, stacked, verdict

from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from velatune.testing.program import Program
from workers.checking.verdict import Verdict
from workers.ethos_u.command_stream import Kind, Operation, decode
from workers.ethos_u.npu_model import Fault, Unmodelled, execute

#: (height, width) before padding; kernel, stride; padding top, bottom, left, right.
Window = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int, int, int]]

WINDOWS: Sequence[Window] = [
    ((9, 8), (3, 2), (1, 1), (0, 0, 0, 0)),
    ((8, 8), (3, 3), (1, 1), (1, 1, 1, 1)),
    ((9, 11), (2, 3), (2, 3), (1, 0, 2, 2)),
    ((7, 12), (1, 4), (3, 2), (0, 0, 3, 3)),
    ((8, 8), (8, 8), (1, 1), (0, 0, 0, 0)),
]
#: Vela makes sums and products of them on U85.
LARGE_WINDOWS: Sequence[Window] = [
    ((12, 20), (12, 9), (1, 1), (0, 0, 0, 0)),
    ((12, 20), (12, 9), (1, 1), (5, 6, 0, 4)),
]
#: Vela adds them up tap by tap on U85, in accumulators that are kept; the last has more than one block.
FAR_WINDOWS: Sequence[Window] = [
    ((17, 19), (5, 5), (4, 5), (1, 3, 3, 3)),
    ((13, 17), (3, 2), (4, 4), (2, 0, 0, 1)),
    ((78, 62), (4, 8), (4, 4), (1, 1, 1, 5)),
]


def pooled(op: str, dtype: str, window: Window, depth: int = 17, batch: int = 1) -> Graph:
    (height, width), kernel, stride, pad = window
    p = Program()
    x = p.input(batch, height, width, depth, dtype=dtype)
    sizes = [
        (size + before + after - taps) // step + 1
        for size, taps, step, before, after in zip((height, width), kernel, stride, pad[::2], pad[1::2], strict=True)
    ]
    shape = (batch, *sizes, depth)
    if op == "MAX":
        return p.graph(p.op("MAX_POOL2D", (x,), shape, kernel=kernel, stride=stride, pad=pad, nan_mode="PROPAGATE"))
    zero_points = [p.data(zero if dtype == "INT8" else 0, dtype) for zero in (-100, 30)]
    operands = x, *zero_points
    return p.graph(p.op("AVG_POOL2D", operands, shape, kernel=kernel, stride=stride, pad=pad, acc_type="INT32"))


def pools(graph: Graph, accelerator: str) -> list[Operation]:
    operations = decode(compiled(graph, accelerator).command_stream).operations
    return [one for one in operations if one.kind is Kind.POOL]


def check(graph: Graph, accelerator: str, reach: int = 1) -> None:
    sets = inputs_for(graph) + wide_inputs(graph, reach)
    assert verdict(graph, compiled(graph, accelerator), sets) == Verdict(True)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_windows(accelerator: str, window: Window) -> None:
    for op in ("MAX", "AVERAGE"):
        for dtype in ("INT8", "INT16"):
            graph = pooled(op, dtype, window)
            check(graph, accelerator)
            assert {one.mode for one in pools(graph, accelerator)} == {op}


@pytest.mark.parametrize("window", LARGE_WINDOWS)
@pytest.mark.parametrize("dtype", ["INT8", "INT16"])
def test_averages_of_many_elements_are_scaled_sums_on_u85(window: Window, dtype: str) -> None:
    graph = pooled("AVERAGE", dtype, window)
    check(graph, "ethos-u85-256")
    assert {one.mode for one in pools(graph, "ethos-u85-256")} == {"SUM"}


@pytest.mark.parametrize("window", FAR_WINDOWS)
@pytest.mark.parametrize("accelerator", ["ethos-u85-128", "ethos-u85-2048"])
def test_accumulators_are_kept_from_tap_to_tap_on_u85(accelerator: str, window: Window) -> None:
    for op in ("MAX", "AVERAGE"):
        for dtype in ("INT8", "INT16"):
            graph = pooled(op, dtype, window)
            check(graph, accelerator)
            assert "KEEP" in {one.accumulator_input for one in pools(graph, accelerator)}


@pytest.mark.parametrize("depthwise", [False, True])
def test_convolutions_with_large_strides_keep_accumulators_too(depthwise: bool) -> None:
    for dtype in ("INT8", "INT16"):
        p = Program()
        graph = p.graph(
            p.conv(p.input(1, 21, 25, 24, dtype=dtype), 24, (5, 5), (4, 4), depthwise=depthwise, dtype=dtype)
        )
        operations = decode(compiled(graph, "ethos-u85-256").command_stream).operations
        assert "KEEP" in {one.accumulator_input for one in operations}
        check(graph, "ethos-u85-256")


def reduced(op: str, dtype: str, shape: Shape, axis: int) -> Graph:
    p = Program()
    x = p.input(*shape, dtype=dtype)
    if op == "ARGMAX":
        result = shape[:axis] + shape[axis + 1 :]
        return p.graph(p.op(op, (x,), result, "INT32", axis=axis, nan_mode="PROPAGATE"))
    result = (*shape[:axis], 1, *shape[axis + 1 :])
    attributes = {"nan_mode": "PROPAGATE"} if op in ("REDUCE_MAX", "REDUCE_MIN") else {}
    return p.graph(p.op(op, (x,), result, axis=axis, **attributes))


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-512"])
def test_reductions(accelerator: str, axis: int) -> None:
    shape = (1, 6, 5, 18)
    check(reduced("REDUCE_SUM", "INT32", shape, axis), accelerator, reach=1 << 25)
    check(reduced("REDUCE_MAX", "INT8", shape, axis), accelerator)
    if accelerator.startswith("ethos-u85"):
        for dtype in ("INT8", "INT16", "INT32"):
            check(reduced("REDUCE_MAX", dtype, shape, axis), accelerator, reach=1 << 31)
            check(reduced("REDUCE_MIN", dtype, shape, axis), accelerator, reach=1 << 31)
        for op in ("REDUCE_ANY", "REDUCE_ALL"):
            check(reduced(op, "BOOL", shape, axis), accelerator)
        for dtype in ("INT8", "INT16"):
            check(reduced("ARGMAX", dtype, shape, axis), accelerator)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_scales_of_channels(accelerator: str, double: bool) -> None:
    for dtype in ("INT8", "INT16", "INT32"):
        if dtype == "INT32" and not accelerator.startswith("ethos-u85"):
            continue  # Vela multiplies by a tensor there
        p = Program()
        multipliers = [int(one) for one in p.random.integers(1 << 30, 1 << 31, 18)]
        zero_in = 99 if dtype == "INT8" else 0
        graph = p.graph(p.rescale_by(p.input(1, 3, 4, 18, dtype=dtype), "INT16", multipliers, 42, zero_in, 0, double))
        assert {one.scale_mode for one in pools(graph, accelerator)} == {"PER_CHANNEL"}
        check(graph, accelerator, reach=1 << 31)


def test_a_scaled_maximum_is_no_operation_of_u55() -> None:
    p = Program()
    graph = p.graph(p.rescale_by(p.max_pool(p.input(1, 8, 8, 16), 2), "INT8", 1288490189, 31))
    with pytest.raises(Fault, match=r"a MAX pool with the scale 1288490189 / 2\^31"):
        execute(compiled(graph, "ethos-u55-128"), stacked(inputs_for(graph)))
    check(graph, "ethos-u85-256")


def test_an_argmax_along_height_with_a_kernel_along_width_is_not_guessed() -> None:
    p = Program()
    part = p.slice(p.input(1, 5, 6, 4), (0, 1, 0, 0), (1, 3, 6, 4))
    graph = p.graph(p.op("ARGMAX", (part,), (1, 3, 4), "INT32", axis=2, nan_mode="PROPAGATE"))
    with pytest.raises(Unmodelled, match="ARGMAX_Y with a kernel along the width"):
        execute(compiled(graph, "ethos-u85-256"), stacked(inputs_for(graph)))
