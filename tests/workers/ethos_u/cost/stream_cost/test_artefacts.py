"""The smallest programs that Vela 5.1.0 misprices, each with what the stream says; docs/objective.md has the list."""

from __future__ import annotations

import pytest

from benchmarks.predictions.rows import Compared, compared_rows
from velatune.testing.program import Program
from workers.ethos_u.command_stream import Kind, decode
from workers.ethos_u.cost.stream_cost import StreamCost, stream_cycles
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

U55_AND_U65 = ["ethos-u55-128", "ethos-u65-256"]
EVERY = [*U55_AND_U65, "ethos-u85-256"]


def streamed(tosa: bytes, accelerator: str) -> tuple[bytes, int, StreamCost]:
    """The command stream, Vela's cycles and the stream's."""
    target = Target.parse(accelerator)
    compiled = compile_tosa(tosa, target, operators=False)
    return compiled.command_stream, compiled.vela_cycles, stream_cycles(decode(compiled.command_stream), target)


def one_row(tosa: bytes, accelerator: str, artefact: str) -> Compared:
    found = [row for row in compared_rows("", tosa, Target.parse(accelerator)) if row.artefact == artefact]
    assert found, f"no row of the class {artefact}"
    return found[-1]


@pytest.mark.parametrize("accelerator", U55_AND_U65)
def test_a_clamp_that_clamps_nothing_changes_vela_s_price_of_the_same_stream(accelerator: str) -> None:
    def program(clamped: bool) -> bytes:
        p = Program()
        x = p.conv(p.input(1, 12, 12, 16), 16)
        return p.tosa(p.clamp(x) if clamped else x)

    bare, bare_vela, bare_cost = streamed(program(False), accelerator)
    clamped, clamped_vela, clamped_cost = streamed(program(True), accelerator)
    assert bare == clamped
    assert clamped_vela < 0.8 * bare_vela
    assert bare_cost == clamped_cost


@pytest.mark.parametrize("accelerator", EVERY)
def test_a_dilated_convolution_costs_about_what_the_dense_one_does(accelerator: str) -> None:
    def program(dilation: int) -> bytes:
        p = Program()
        return p.tosa(p.conv(p.input(1, 8, 128, 64), 64, (1, 3), dilation=(1, dilation), depthwise=True))

    _, dense_vela, dense = streamed(program(1), accelerator)
    stream, vela, cost = streamed(program(8), accelerator)
    parts = [one for one in decode(stream).operations if one.kind is Kind.DEPTHWISE]
    assert [one.ofm.shape for one in parts if one.ofm is not None] == [(8, 16, 64)] * 8
    assert vela > 4 * dense_vela
    assert cost.total_cycles < 2.5 * dense.total_cycles


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u55-256"])
def test_a_transpose_costs_what_its_pools_cost_as_slices(accelerator: str) -> None:
    p = Program()
    transposed, transposed_vela, transposed_cost = streamed(
        p.tosa(p.transpose(p.input(1, 16, 24, 32), 0, 2, 1, 3)), accelerator
    )
    p = Program()
    sliced, sliced_vela, sliced_cost = streamed(
        p.tosa(p.slice(p.input(1, 17, 24, 32), (0, 1, 0, 0), (1, 16, 24, 32))), accelerator
    )
    shapes = [[(one.kind, one.mode, one.ofm.shape) for one in decode(stream).operations if one.ofm is not None]
              for stream in (transposed, sliced)]  # fmt: skip
    assert shapes[0] == shapes[1] == [(Kind.POOL, "AVERAGE", (16, 24, 32))]
    assert sliced_vela > 2 * transposed_vela
    assert transposed_cost.total_cycles == pytest.approx(sliced_cost.total_cycles, rel=0.1)
    # Measured on TinyCNN, whose transposes are such pools: Vela has them too dear as slices, too cheap as transposes.
    assert transposed_cost.total_cycles < sliced_vela


@pytest.mark.parametrize("accelerator", U55_AND_U65)
def test_a_transpose_of_many_pools_is_priced_by_each(accelerator: str) -> None:
    p = Program()
    row = one_row(p.tosa(p.transpose(p.input(1, 28, 28, 8), 0, 1, 3, 2)), accelerator, "many pools")
    assert row.operations > 20
    assert row.stream_cycles > 2 * row.vela_cycles


@pytest.mark.parametrize("accelerator", EVERY)
def test_starting_operations_is_not_free(accelerator: str) -> None:
    def tiny(count: int) -> bytes:
        p = Program()
        first, second = p.input(1, 1, 2, 16), p.input(1, 1, 2, 16)
        for at in range(count):
            first, second = p.mul(first, second) if at % 2 else p.add(first, second), first
        return p.tosa(first)

    _, vela, cost = streamed(tiny(12), accelerator)
    assert len(cost.operations) == 12
    assert sum(one.start_cycles for one in cost.operations) > vela
    assert cost.total_cycles > 2 * vela
    assert sum(one.cycles for one in cost.operations) == cost.total_cycles


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u55-256"])
def test_a_broadcast_constant_is_not_read_again_for_every_element(accelerator: str) -> None:
    p = Program()
    constant = p.data([[[list(range(1, 25))]]], "INT8")
    row = one_row(p.tosa(p.mul(p.input(1, 32, 32, 24), constant)), accelerator, "broadcast")
    assert row.vela_cycles > 32 * 32 * 24 > row.stream_cycles


def test_wide_elements_are_moved_as_their_bytes() -> None:
    p = Program()
    x, y = p.input(1, 64, 64, 8, dtype="INT32"), p.input(1, 64, 64, 8, dtype="INT32")
    _, _, cost = streamed(p.tosa(p.op("ADD", (x, y), (1, 64, 64, 8))), "ethos-u65-256")
    # Three feature maps in DRAM, at 3.75 bytes a cycle.
    assert cost.total_cycles > 3 * 64 * 64 * 8 * 4 / 3.75


def test_a_transpose_on_u85_is_divided_by_blocks_of_its_own_axes() -> None:
    def error(shape: tuple[int, ...], perms: tuple[int, ...]) -> float:
        p = Program()
        row = one_row(p.tosa(p.transpose(p.input(*shape), *perms)), "ethos-u85-256", "turned blocks")
        return row.stream_cycles / row.vela_cycles

    # Too dear by Vela the one way, too cheap the other.
    assert error((1, 672, 2, 28), (0, 1, 3, 2)) < 0.3
    assert error((1, 28, 672, 2), (0, 3, 2, 1)) > 1.5


@pytest.mark.parametrize("accelerator", ["ethos-u55-128"])
def test_weights_that_parts_share_are_copied_once(accelerator: str) -> None:
    p = Program()
    x = p.max_pool(p.input(1, 32, 32, 32), 2)
    tosa = p.tosa(p.conv(x, 48, (3, 3), dilation=(4, 4)))
    found = [row for row in compared_rows("", tosa, Target.parse(accelerator)) if row.operator == "Conv2D"]
    shared = [row for row in found if row.artefact in ("shared copy", "split")]
    assert len(shared) >= 8
    assert sum(row.stream_cycles for row in shared) < 0.5 * sum(row.vela_cycles for row in shared)


def test_a_resize_on_u85_is_no_faster_than_its_results_can_leave() -> None:
    p = Program()
    row = one_row(p.tosa(p.resize(p.input(1, 24, 24, 32), "BILINEAR")), "ethos-u85-256", "no formula")
    assert row.stream_cycles >= 47 * 47 * 32 * 0.25 > 0
