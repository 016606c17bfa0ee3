"""What TOSA or the hardware leaves undefined is a fault, and registers that contradict each other are reported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.streams.changed_streams import named, with_value
from support.streams.elementwise_inputs import SHAPE
from support.values.executed import compiled

from search_space.ir.graph import Graph
from velatune.testing.program import Program
from workers.checking.reference import run_reference
from workers.errors import ReferenceFailed
from workers.ethos_u.npu_model import Fault, Unmodelled, execute

MOST, LEAST = (1 << 31) - 1, -(1 << 31)


def binary(op: str, shift: int | None = None, **attributes: bool) -> Graph:
    p = Program()
    operands = [p.input(*SHAPE, dtype="INT32"), p.input(*SHAPE, dtype="INT32")]
    if shift is not None:
        operands.append(p.data(shift, "INT8"))
    return p.graph(p.op(op, tuple(operands), SHAPE, **attributes))


def full(value: int) -> np.ndarray:
    return np.full((1, *SHAPE), value, np.int32)


def executed(graph: Graph, accelerator: str, *values: int) -> np.ndarray:
    return execute(compiled(graph, accelerator), [full(one) for one in values])[0]


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
@pytest.mark.parametrize(
    ("graph", "values", "said"),
    [
        (binary("ADD"), (MOST, 1), "ADD overflows 32 bits"),
        (binary("SUB"), (LEAST, 1), "SUB overflows 32 bits"),
        (binary("MUL", shift=1), (1 << 20, 1 << 12), "MUL overflows 32 bits"),
        (binary("ARITHMETIC_RIGHT_SHIFT", round=False), (1, 32), "amount of a shift is not from 0 to 31"),
        (binary("LOGICAL_LEFT_SHIFT"), (1, -1), "amount of a shift is not from 0 to 31"),
    ],
)
def test_what_tosa_leaves_undefined(accelerator: str, graph: Graph, values: tuple[int, int], said: str) -> None:
    with pytest.raises(ReferenceFailed):
        run_reference(graph, [full(one)[0] for one in values])
    with pytest.raises(Fault, match=said):
        executed(graph, accelerator, *values)


@pytest.mark.parametrize(("values", "said"), [((1, 0), "DIV by zero"), ((LEAST, -1), "DIV overflows 32 bits")])
def test_quotients_that_do_not_exist(values: tuple[int, int], said: str) -> None:
    # The reference model ends the process on a division by zero.
    with pytest.raises(Fault, match=said):
        executed(binary("INTDIV"), "ethos-u85-256", *values)


def test_an_unscaled_product_keeps_its_low_bits_on_u85_alone() -> None:
    graph, values = binary("MUL", shift=0), (123456789, 987654321)
    (expected,) = run_reference(graph, [full(one)[0] for one in values])
    assert np.array_equal(executed(graph, "ethos-u85-256", *values)[0].reshape(SHAPE), expected)
    with pytest.raises(Fault, match="MUL overflows 32 bits"):
        executed(graph, "ethos-u55-128", *values)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_accumulators_that_overflow(accelerator: str) -> None:
    p = Program()
    graph = p.graph(p.op("REDUCE_SUM", (p.input(*SHAPE, dtype="INT32"),), (1, 5, 4, 1), axis=3))
    with pytest.raises(ReferenceFailed):
        run_reference(graph, [full(1 << 27)[0]])
    with pytest.raises(Fault, match=r"an accumulator of format I32 .* overflows 32 bits"):
        executed(graph, accelerator, 1 << 27)


def test_a_scale_that_the_hardware_ignores_is_a_fault() -> None:
    p = Program()
    first, second = (p.rescale_by(p.input(*SHAPE), "INT32", scale << 20, 20) for scale in (3, 5))
    graph = p.graph(p.rescale_by(p.op("ADD", (first, second), SHAPE, "INT32"), "INT8", 1288490189, 34))
    with pytest.raises(Fault, match="OPB_SCALE 5 with OPA_32: the hardware shifts left by 19"):
        execute(compiled(graph, "ethos-u55-128"), [np.zeros((1, *SHAPE), np.int8)] * 2)


def maximum() -> Graph:
    p = Program()
    operands = p.input(*SHAPE, dtype="INT32"), p.input(*SHAPE, dtype="INT32")
    return p.graph(p.op("MAXIMUM", operands, SHAPE, nan_mode="PROPAGATE"))


def padded_average() -> Graph:
    p = Program()
    operands = p.input(1, 8, 8, 16), p.data(0, "INT8"), p.data(0, "INT8")
    kernel, stride, pad = (3, 3), (1, 1), (1, 1, 1, 1)
    shape = (1, 8, 8, 16)
    return p.graph(p.op("AVG_POOL2D", operands, shape, kernel=kernel, stride=stride, pad=pad, acc_type="INT32"))


def maximum_pool() -> Graph:
    p = Program()
    return p.graph(p.max_pool(p.input(1, 8, 8, 16), 2))


@pytest.mark.parametrize(
    ("graph", "accelerator", "register", "value", "said"),
    [
        (maximum(), "ethos-u55-128", "NPU_SET_OFM_SCALE", 2, r"OFM_SCALE \(2, 0\) with MAX: .* does not scale"),
        (binary("MUL", shift=3), "ethos-u55-128", "NPU_SET_OFM_SCALE", 3, "MUL of 32 bits: the hardware only shifts"),
        (padded_average(), "ethos-u55-128", "NPU_SET_OFM_SCALE", 2, "padded AVERAGE pool with the scale 2"),
        (padded_average(), "ethos-u85-256", "NPU_SET_OFM_SCALE", 2, "a pool AVERAGE of U85 .* the scale 2"),
        (binary("ARITHMETIC_RIGHT_SHIFT", round=True), "ethos-u55-128", "NPU_SET_OFM_PRECISION", 0x4005, "TRUNCATE"),
        (maximum(), "ethos-u85-256", "NPU_SET_IFM_SCALE", 2, r"IFM_SCALE \(2, 0\) with MAX of 32 bits"),
        (maximum(), "ethos-u85-256", "NPU_SET_IFM_UPSCALE", 2, "upscales its IFM"),
        (maximum_pool(), "ethos-u85-256", "NPU_SET_ACC_FORMAT", 0x10, "that the one before it did not leave"),
        (maximum_pool(), "ethos-u85-256", "NPU_SET_IFM_UPSCALE", 2, "an extreme of an IFM upscaled with zeros"),
        (maximum_pool(), "ethos-u55-128", "NPU_SET_IFM_PAD_TOP", 2, "a pool's window holds nothing but padding"),
    ],
)
def test_registers_that_contradict_each_other(
    graph: Graph, accelerator: str, register: str, value: int, said: str
) -> None:
    program = compiled(graph, accelerator)
    inputs = [np.zeros((1, one.bytes), np.int8) for one in program.inputs]
    execute(program, inputs)
    stream = program.command_stream
    for command in named(stream, register):
        stream = with_value(stream, command, value)
    with pytest.raises((Fault, Unmodelled), match=said):
        execute(replace(program, command_stream=stream), inputs)
