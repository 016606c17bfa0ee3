"""Each guard on its minimal program, beside a program that it has nothing to say of."""

import pytest
import torch
from support.programs.cortex_m import inputs_of, lowered, output_shapes, quantised

from workers.cortex_m.check.compare import output_steps, within_one_step
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.guards import file_class, scratch_sizes
from workers.cortex_m.guards.all import verdicts
from workers.cortex_m.guards.channels_last import is_channels_last
from workers.cortex_m.guards.float_operators import float_operators, rounding_operators
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.target import Target

LEGACY = {"explicit_layout": False}
CHANNELS_LAST = {"explicit_layout": False, "channels_last": True}


@pytest.mark.parametrize(
    ("name", "cpu", "layout", "guard", "severity"),
    [
        ("conv1d-s2-w20", "cortex-m55", {}, "row-convolution", Severity.WRONG),
        ("branches", "cortex-m55", CHANNELS_LAST, "channels-last", Severity.WRONG),
        ("conv2d", "cortex-m4", LEGACY, "float-operators", Severity.FLOAT),
        ("conv1d-s2-w21", "cortex-m55", LEGACY, "float-operators", Severity.FLOAT),
        ("padded-row", "cortex-m4", {}, "padded-row", Severity.WRONG),
        ("transposed-p1", "cortex-m4", {}, "convolution-kinds", Severity.WRONG),
    ],
)
def test_a_guard_says_what_is_wrong(
    name: str, cpu: str, layout: dict[str, bool], guard: str, severity: Severity
) -> None:
    (found,) = verdicts(lowered(name, cpu, **layout), Target.parse(cpu), output_shapes(name))
    assert (found.guard, found.severity) == (guard, severity)
    assert found.node in found.message
    assert "\n" not in found.message


@pytest.mark.parametrize(
    ("name", "cpu", "layout"),
    [
        ("conv1d-s2-w20", "cortex-m4", {}),  # the kernel for rows of height 1 is MVE's
        ("conv1d-s2-w21", "cortex-m55", {}),
        ("branches", "cortex-m55", {}),
        ("conv2d", "cortex-m4", CHANNELS_LAST),
        ("padded-image", "cortex-m4", {}),
        ("padded-row", "cortex-m4", CHANNELS_LAST),
        ("transposed-p0", "cortex-m4", {}),
        ("grouped", "cortex-m55", {}),
    ],
)
def test_guards_are_silent_about_what_is_right(name: str, cpu: str, layout: dict[str, bool]) -> None:
    assert verdicts(lowered(name, cpu, **layout), Target.parse(cpu), output_shapes(name)) == ()


def test_python_says_right_where_a_guard_says_wrong() -> None:
    # This is why there are guards: the operators of ExecuTorch's Python side do not compute as the kernels do.
    program, inputs = lowered("conv1d-s2-w20", "cortex-m55"), inputs_of("conv1d-s2-w20")
    wanted = outputs_of(quantised("conv1d-s2-w20"), inputs)
    assert within_one_step(outputs_of(program, inputs), wanted, output_steps(program)).equal


def test_a_row_that_is_padded_wrongly_has_another_shape_than_the_model() -> None:
    inputs = inputs_of("padded-row")
    (wrong,) = outputs_of(lowered("padded-row", "cortex-m4"), inputs)
    (right,) = outputs_of(quantised("padded-row"), inputs)
    assert (tuple(wrong.shape), tuple(right.shape)) == ((1, 10, 1, 16), (1, 8, 1, 18))


def test_a_value_is_channels_last_by_its_recorded_order() -> None:
    program = lowered("branches", **CHANNELS_LAST)
    orders = {one.name: is_channels_last(one) for one in program.graph.nodes if "quantized_conv2d" in one.name}
    assert orders and all(orders.values())
    assert not any(is_channels_last(one) for one in lowered("branches").graph.nodes)
    assert torch.int8 in {one.meta["val"].dtype for one in program.graph.nodes if one.name in orders}


def test_what_stays_in_float_is_named() -> None:
    assert [one.name for one in float_operators(lowered("conv2d", "cortex-m4", **LEGACY))] == [
        "aten_convolution_default"
    ]


@pytest.mark.parametrize(
    ("lowered_for", "run_on", "severity"),
    [
        ("cortex-m55", "cortex-m4", Severity.WRONG),  # 635 of 640 values wrong
        ("cortex-m4", "cortex-m55", Severity.FAILS),  # status -1
        ("cortex-m4", "cortex-m33", None),
        ("cortex-m55", "cortex-m85", None),
    ],
)
def test_a_file_runs_on_its_own_class_alone(lowered_for: str, run_on: str, severity: Severity | None) -> None:
    found = list(file_class.check(Target.parse(lowered_for).facts(), Target.parse(run_on)))
    assert [one.severity for one in found] == ([severity] if severity else [])


def test_scratch_memory_of_another_class_is_too_small() -> None:
    # Rows of height 1 need less of it with MVE.
    for target, found in ((Target.parse("cortex-m55"), []), (Target.parse("cortex-m4"), [Severity.WRONG])):
        verdicts_found = scratch_sizes.check(lowered("conv1d-s2-w21", "cortex-m55"), target)
        assert [one.severity for one in verdicts_found] == found


def test_a_file_that_names_no_class_is_not_run() -> None:
    (found,) = file_class.check({}, Target.parse("cortex-m4"))
    assert "does not say" in found.message


def test_operators_that_round_floats_are_told_from_those_that_move_them() -> None:
    assert rounding_operators(lowered("normalised", "cortex-m4")) == ("native_layer_norm",)
    moved = lowered("moves", "cortex-m4")
    assert float_operators(moved) and rounding_operators(moved) == ()
