"""Programs that Vela compiles wrongly are found by what they have in them, before they are compiled."""

from itertools import permutations

import numpy as np
import pytest
from support.values.executed import is_right

from benchmarks.correctness.miscompilations.catalogue import MISCOMPILATIONS
from benchmarks.correctness.miscompilations.detection.open_to import open_to
from benchmarks.correctness.miscompilations.detection.values import numbers
from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Make, Miscompilation, graph
from benchmarks.correctness.miscompilations.page import TARGETS
from search_space.ir.dtypes import NUMPY
from search_space.ir.graph import Node, TensorType
from search_space.ir.layout_map import Shape
from search_space.tosa_file.writer import write_tosa
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.vela.compiler import compile_tosa

_SHAPES = ((2, 3), (2, 3, 4), (1, 3, 4), (2, 1, 4), (2, 3, 1), (1, 2, 3, 4), (1, 3, 1, 4), (2, 3, 4, 5))


@pytest.mark.parametrize("one", MISCOMPILATIONS, ids=lambda one: one.name)
def test_programs_of_the_catalogue_are_open_to_their_kind(one: Miscompilation) -> None:
    for program in one.programs.values():
        for family in one.affected["5.1.0"]:
            assert one.name in open_to(program, family)


def reduced_sums(p: Program) -> int:
    """The largest of the sums of columns."""
    wide = p.rescale(p.input(1, 9, 7), "INT32", 1.0)
    sums = p.op("REDUCE_SUM", (wide,), (1, 1, 7), "INT32", axis=1)
    return p.op("REDUCE_MAX", (p.rescale(sums, "INT8", 0.1),), (1, 1, 1), axis=2, nan_mode="PROPAGATE")


@pytest.mark.parametrize("family", [U55, U65, U85])
def test_sums_that_are_reduced_are_stored_beyond_their_memory(family: str) -> None:
    """Vela transposes what it sums along another axis than the last one, and keeps the shape of that."""
    program = graph(reduced_sums)
    assert "brick-padding" in open_to(program, family)
    assert not is_right(program, TARGETS[family].accelerator)


def transposed(p: Program, columns: int) -> int:
    """A transposed convolution that pads its result by a row and a column."""
    data, zero = p.input(1, 2, columns, 3), p.data(0, "INT8")
    weights = p.data(p.random.integers(-127, 128, (4, 3, 3, 3)), "INT8")
    sums = p.op(
        "TRANSPOSE_CONV2D", (data, weights, p.bias(4, wide=False), zero, zero), (1, 6, 2 * columns + 2, 4), "INT32",
        out_pad=(0, 1, 0, 1), stride=(2, 2), local_bound=False, acc_type="INT32",
    )  # fmt: skip
    return p.rescale(sums, "INT8", 0.001)


@pytest.mark.parametrize("family", [U55, U65, U85])
def test_what_two_transposed_convolutions_pad_shares_one_bias(family: str) -> None:
    """Vela fills it by depthwise convolutions, whose weights are equal."""
    both, one = (graph(lambda p, many=many: tuple(transposed(p, c) for c in range(2, 2 + many))) for many in (2, 1))
    assert ("shared-weights" in open_to(both, family)) == (family != U85)
    assert is_right(both, TARGETS[family].accelerator) == (family == U85)
    assert not open_to(one, family) and is_right(one, TARGETS[family].accelerator)


@pytest.mark.parametrize("dtype", ["INT8", "INT32"])
@pytest.mark.parametrize("family", [U55, U85])
def test_every_order_of_a_constant_that_vela_writes_to_is_known(family: str, dtype: str) -> None:
    written = 0
    for shape in _SHAPES:
        for order in permutations(range(len(shape))):
            program = graph(product_with_moved_constant(shape, order, dtype))
            stream = compile_tosa(write_tosa(program), TARGETS[family]).command_stream
            ofms = [one.ofm for one in decode(stream).operations if one.ofm is not None and one.ofm.addresses]
            if any(ofm.region == 0 for ofm in ofms):
                written += 1
                assert "written-constants" in open_to(program, family), (shape, order)
    assert written


def product_with_moved_constant(shape: tuple[int, ...], order: tuple[int, ...], dtype: str) -> Make:
    def make(p: Program) -> int:
        moved = p.transpose(p.data(p.random.integers(-100, 100, shape).astype(NUMPY[dtype]), dtype), *order)
        operands = p.input(*p.shape(moved), dtype=dtype), moved, p.data(np.zeros(1), "INT8")
        return p.op("MUL", operands, p.shape(moved), "INT32")

    return make


def test_three_dimensions_of_a_constant_are_moved_in_one_step_on_u85() -> None:
    assert "written-constants" in open_to(graph(product_with_moved_constant((2, 3, 4), (1, 2, 0), "INT8")), U55)
    assert open_to(graph(product_with_moved_constant((2, 3, 4), (1, 2, 0), "INT8")), U85) == set()


def test_an_output_is_lost_through_a_reshape_too() -> None:
    def moved_on(p: Program) -> tuple[int, int]:
        first = p.transpose(p.table(p.input(1, 4, 6, 8)), 0, 3, 1, 2)
        return first, p.transpose(p.reshape(first, 8, 4, 6), 0, 2, 1)

    program = graph(moved_on)
    assert len(compile_tosa(write_tosa(program), TARGETS[U55]).outputs) == 1
    assert open_to(program, U55) == {"lost-output"}


@pytest.mark.parametrize("size", [4, 6, 8, 12])
def test_only_transposes_between_equal_sizes_are_read_too_early(size: int) -> None:
    for rows, columns in ((size, size), (size, size + 1), (size + 1, size)):

        def rescaled(p: Program, rows: int = rows, columns: int = columns) -> int:
            return p.rescale(p.transpose(p.input(1, rows, columns, 8), 0, 2, 1, 3), "INT8", 0.5)

        program = graph(rescaled)
        compiled = compile_tosa(write_tosa(program), TARGETS[U55])
        found = hazards(compiled.npu_program, decode(compiled.command_stream))
        assert open_to(program, U55) == ({"square-transposes"} if rows == columns else set())
        assert open_to(program, U55, in_order=True) == open_to(program, U85) == set()
        assert bool(found) <= (rows == columns)


@pytest.mark.parametrize(("multiplier", "wrong"), [((1 << 15) - 1, False), ((1 << 15) + 1, True), (1 << 20, False)])
def test_sums_are_scaled_by_up_to_15_bits(multiplier: int, wrong: bool) -> None:
    def rescaled(p: Program) -> int:
        weights, channels = p.random.integers(-127, 128, (4, 1, 1, 8)), 4
        operands = (
            p.input(1, 3, 5, 8, dtype="INT16"), p.data(weights, "INT8"), p.bias(channels, wide=True),
            p.data(0, "INT16"), p.data(0, "INT8"),
        )  # fmt: skip
        sums = p.op(
            "CONV2D", operands, (1, 3, 5, channels), "INT48", pad=(0, 0, 0, 0), stride=(1, 1), dilation=(1, 1),
            local_bound=False, acc_type="INT48",
        )  # fmt: skip
        return p.rescale_by(p.rescale_by(sums, "INT32", 1 << 14, 14), "INT8", multiplier, 17 + multiplier.bit_length())

    program = graph(rescaled)
    assert open_to(program, U85) == ({"int48-scales"} if wrong else set())
    assert open_to(program, U55) == set()
    for family in (U55, U85):
        assert is_right(program, TARGETS[family].accelerator) == (family == U55 or not wrong)


@pytest.mark.parametrize("family", [U55, U85])
@pytest.mark.parametrize(("starts", "wrong"), [((128, 0), True), ((0, 128), False), ((64, 64), False), (None, False)])
def test_the_second_of_two_slices_is_read_too_early_as_first_operand(
    family: str, starts: tuple[int, int] | None, wrong: bool
) -> None:
    def product(p: Program) -> int:
        size = (1, 1, 128, 16)
        if starts is None:
            return p.mul(*(p.slice(p.conv(p.input(1, 1, 256, 16), 16), (0, 0, 128, 0), size) for _ in range(2)))
        whole = p.conv(p.input(1, 1, 256, 16), 16)
        return p.mul(*(p.slice(whole, (0, 0, start, 0), size) for start in starts))

    program = graph(product)
    compiled = compile_tosa(write_tosa(program), TARGETS[family])
    assert bool(hazards(compiled.npu_program, decode(compiled.command_stream))) == wrong
    assert open_to(program, family) == (set() if starts is None else {"sliced-operands"})
    assert open_to(program, family, in_order=True) == set()


@pytest.mark.parametrize("dtype", ["INT8", "INT32"])
@pytest.mark.parametrize(("shift", "zero", "wrong"), [(30, 0, True), (31, 0, False), (30, 1, False)])
def test_only_what_a_rescale_by_one_narrows_is_not_saturated(dtype: str, shift: int, zero: int, wrong: bool) -> None:
    def rescaled(p: Program) -> int:
        total = p.op("ADD", (p.input(2, 3, dtype="INT32"), p.input(2, 3, dtype="INT32")), (2, 3), "INT32")
        return p.rescale_by(p.rescale_by(total, "INT8", 1 << 30, shift, zero_out=zero), dtype, 1 << 30, 31, zero)

    program = graph(rescaled)
    for family in (U55, U85):
        assert open_to(program, family) == ({"lost-saturation"} if wrong else set())
        assert is_right(program, TARGETS[family].accelerator) == (not wrong)


def test_zero_points_of_48_bits_are_read() -> None:
    def rescaled(p: Program) -> int:
        sums = p.conv(p.input(1, 2, 2, 4, dtype="INT16"), 4, dtype="INT16")
        return p.rescale_by(sums, "INT16", 1 << 30, 31)

    assert "lost-saturation" not in open_to(graph(rescaled), U85)
    p = Program()
    wide = Node(
        "CONST", (), TensorType((2,), "INT48"), payload=(-5).to_bytes(6, "little", signed=True) + b"\1" + b"\0" * 5
    )
    p.nodes[0] = wide
    reader = Node("NEGATE", (0,), wide.type)
    p.nodes[1] = reader
    assert numbers(p.graph(1), reader, 0) == [-5, 1]


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_the_last_of_two_batches_alone_is_overwritten_early(batches: int) -> None:
    def convolved(p: Program) -> int:
        whole = p.mul(p.input(batches, 8, 8, 16), p.input(batches, 8, 8, 16))
        row = p.reshape(p.conv(whole, 8, kernel=(3, 3)), 1, 1, batches * 64, 8)
        return p.conv(p.reshape(p.conv(row, 10), 1, batches * 8, 8, 10), 8)

    program = graph(convolved)
    compiled = compile_tosa(write_tosa(program), TARGETS[U55])
    assert bool(hazards(compiled.npu_program, decode(compiled.command_stream))) == (batches == 2)
    assert open_to(program, U55) == ({"two-batches"} if batches == 2 else set())
    assert open_to(program, U55, in_order=True) == open_to(program, U85) == set()


def reduced(op: str, whole: Shape, start: Shape, size: Shape, axis: int, shape: Shape | None = None) -> Make:
    """A reduction of a slice, which may be reshaped before."""

    def make(p: Program) -> int:
        value = p.slice(p.input(*whole), start, size)
        if shape is not None:
            value = p.reshape(value, *shape)
        if op == "REDUCE_SUM":
            return p.sum(value, axis)
        result = tuple(1 if at == axis else count for at, count in enumerate(p.shape(value)))
        return p.op(op, (value,), result, axis=axis, nan_mode="PROPAGATE")

    return make


@pytest.mark.parametrize("family", [U55, U85])
@pytest.mark.parametrize("op", ["REDUCE_MAX", "REDUCE_MIN", "REDUCE_SUM"])
@pytest.mark.parametrize(
    ("whole", "start", "size", "shape"),
    [
        ((5, 12), (0, 6), (5, 6), None),
        ((3, 5, 12), (0, 2, 0), (3, 3, 12), None),
        ((1, 3, 5, 12), (0, 0, 0, 6), (1, 3, 5, 6), None),
        ((2, 3, 5, 12), (1, 0, 0, 0), (1, 3, 5, 12), None),
        ((2, 3, 5, 12), (0, 0, 0, 6), (2, 3, 5, 6), None),
        ((1, 3, 5, 12), (0, 0, 2, 0), (1, 3, 3, 12), (3, 3, 12)),
        ((3, 5, 12), (0, 0, 6), (3, 5, 6), (1, 3, 5, 6)),
        ((5, 12), (0, 6), (5, 6), (1, 5, 6)),
        ((1, 3, 5, 12), (0, 0, 0, 6), (1, 3, 5, 6), (15, 6)),
    ],
)
def test_only_a_reduction_that_is_decomposed_loses_its_slice(
    whole: Shape, start: Shape, size: Shape, shape: Shape | None, op: str, family: str
) -> None:
    reduced_shape = shape or size
    for axis in (at for at, count in enumerate(reduced_shape) if count > 1):
        program = graph(reduced(op, whole, start, size, axis, shape))
        found = open_to(program, family)
        assert ("reduced-slice" in found) == (not is_right(program, TARGETS[family].accelerator)), axis


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_sum_sees_through_a_rescale_by_one_alone(scale: float) -> None:
    def total(p: Program) -> int:
        wide = p.rescale(p.slice(p.input(1, 4, 6, 10), (0, 0, 0, 5), (1, 4, 6, 5)), "INT32", scale)
        return p.rescale(p.op("REDUCE_SUM", (wide,), (1, 4, 6, 1), "INT32", axis=3), "INT8", 0.3)

    program = graph(total)
    for family in (U55, U85):
        assert open_to(program, family) == ({"reduced-slice"} if scale == 1.0 else set())
        assert is_right(program, TARGETS[family].accelerator) == (scale != 1.0)


@pytest.mark.parametrize(
    ("biases", "shifts", "wrong"),
    [((2000, -4000), (38, 38), True), ((2000, 2000), (38, 38), False), ((2000, -4000), (38, 39), False)],
)
def test_only_other_biases_with_equal_scales_are_lost(
    biases: tuple[int, int], shifts: tuple[int, int], wrong: bool
) -> None:
    def two(p: Program) -> tuple[int, ...]:
        weights, data = p.random.integers(-127, 128, (8, 1, 1, 8)), p.input(1, 4, 4, 8)
        results = []
        for bias, shift in zip(biases, shifts, strict=True):
            operands = data, p.data(weights, "INT8"), p.data(np.full(8, bias), "INT32"), p.data(0, "INT8")
            sums = p.op(
                "CONV2D", (*operands, p.data(0, "INT8")), (1, 4, 4, 8), "INT32", pad=(0, 0, 0, 0), stride=(1, 1),
                dilation=(1, 1), local_bound=False, acc_type="INT32",
            )  # fmt: skip
            results.append(p.rescale_by(sums, "INT8", 1 << 30, shift))
        return tuple(results)

    program = graph(two)
    for family in (U55, U85):
        assert open_to(program, family) == ({"shared-weights"} if wrong else set())
        assert is_right(program, TARGETS[family].accelerator) == (not wrong)


@pytest.mark.parametrize(("shift", "double", "wrong"), [(33, True, True), (31, True, False), (33, False, False)])
def test_a_negate_loses_double_rounding_alone(shift: int, double: bool, wrong: bool) -> None:
    def negated(p: Program) -> int:
        zeros = p.data(0, "INT16"), p.data(0, "INT16")
        result = p.op("NEGATE", (p.input(1, 4, 4, 8, dtype="INT16"), *zeros), (1, 4, 4, 8), "INT16")
        return p.rescale_by(result, "INT16", 1 << 30, shift, double=double)

    program = graph(negated)
    for family in (U55, U85):
        assert open_to(program, family) == ({"rounded-negation"} if wrong else set())
        assert is_right(program, TARGETS[family].accelerator) == (not wrong)


@pytest.mark.parametrize(
    ("channels", "columns", "times", "scales", "wrong"),
    [(2, 2, 2, 2, True), (2, 2, 4, 2, True), (2, 2, 2, 1, False), (2, 3, 2, 2, False), (3, 3, 2, 2, False),
     (2, 2, 1, 2, False)],
)  # fmt: skip
def test_sums_of_two_channels_in_two_columns_alone_are_in_other_bricks(
    channels: int, columns: int, times: int, scales: int, wrong: bool
) -> None:
    def scaled(p: Program) -> tuple[int, ...]:
        operands = (
            p.input(1, 1, columns, channels, dtype="INT16"),
            p.data(p.random.integers(-127, 128, (1, 1, channels, times)), "INT8"),
            p.bias(channels * times, wide=True), p.data(0, "INT16"), p.data(0, "INT8"),
        )  # fmt: skip
        sums = p.op(
            "DEPTHWISE_CONV2D", operands, (1, 1, columns, channels * times), "INT48", pad=(0, 0, 0, 0), stride=(1, 1),
            dilation=(1, 1), local_bound=False, acc_type="INT48",
        )  # fmt: skip
        return tuple(p.rescale_by(sums, "INT16", 24453 + 1000 * at, 28) for at in range(scales))

    program = graph(scaled)
    assert open_to(program, U85) == ({"wide-bricks"} if wrong else set())
    assert is_right(program, TARGETS[U85].accelerator) == (not wrong)


@pytest.mark.parametrize(("dtype", "wrong"), [("BOOL", True), ("INT8", False)])
def test_transposes_of_an_input_cancel_wrongly_where_it_is_compared_first(dtype: str, wrong: bool) -> None:
    def turned_twice(p: Program) -> int:
        turned = p.transpose(p.input(2, 2, 2, dtype=dtype), 1, 0, 2)
        return p.reshape(p.transpose(turned, 1, 0, 2), 4, 2)

    program = graph(turned_twice)
    assert open_to(program, U85) == ({"cancelled-transposes"} if wrong else set())
    assert is_right(program, TARGETS[U85].accelerator) == (not wrong)
