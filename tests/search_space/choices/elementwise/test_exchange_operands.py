"""Operands that are exchanged keep Vela from reading the first of them too early."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from benchmarks.correctness.miscompilations.slices.sliced_operands import MISCOMPILATION
from search_space.choices.elementwise.exchange_operands import ExchangeOperands
from search_space.ir.graph import Graph, TensorType
from search_space.ir.verifier import verify
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.random.builder import Builder, wide_shapes
from velatune.testing.random.kinds import Kind, on
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

SLICED_PAIRS: Kind = []


@on("INT8", "INT16", "INT32", kind=SLICED_PAIRS)
def _pair_of_slices(b: Builder, value: int) -> None:
    """A product, maximum or minimum of two windows of one value."""
    shape = b.draw(wide_shapes(b.draw(st.integers(1, 4))))
    small = b.draw(st.booleans())
    whole = b.input(TensorType((*shape[:-1], shape[-1] + 1), "INT8" if small else "INT32"))
    starts = b.draw(st.permutations([0, 1]))

    def part(start: int) -> int:
        at = (*(0 for _ in shape[:-1]), start)
        return b.op("SLICE", (whole,), shape, b.type(whole).dtype, b.bounds[whole], start=at, size=shape)

    first, second = map(part, starts)
    if small:
        b.op("MUL", (first, second, b.parameter(0, "INT8")), shape, "INT32", (-(1 << 14), 1 << 14))
    else:
        op = b.draw(st.sampled_from(["MAXIMUM", "MINIMUM"]))
        b.op(op, (first, second), shape, "INT32", b.bounds[whole], nan_mode="PROPAGATE")


def halves(op: str, later_first: bool = True) -> Graph:
    """An operator of both halves of a convolution's columns."""
    p = Program()
    whole = p.conv(p.input(1, 1, 256, 16), 16)
    parts = [p.slice(whole, (0, 0, at, 0), (1, 1, 128, 16)) for at in ((128, 0) if later_first else (0, 128))]
    return p.graph(p.mul(*parts) if op == "MUL" else p.add(*parts))


def reads_too_early(graph: Graph, accelerator: str) -> bool:
    compiled = compile_tosa(write_tosa(graph), Target.parse(accelerator), operators=False)
    return bool(list(hazards(compiled.npu_program, decode(compiled.command_stream))))


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
@pytest.mark.parametrize("op", ["MUL", "ADD"])
def test_after_the_exchange_no_operation_reads_too_early(op: str, accelerator: str) -> None:
    before = halves(op)
    after = verify(ExchangeOperands().apply(before))
    assert reads_too_early(before, accelerator)
    assert not reads_too_early(after, accelerator)
    assert ExchangeOperands().apply(after) is after


def test_the_registered_program_has_a_site() -> None:
    program = next(iter(MISCOMPILATION.programs.values()))
    assert ExchangeOperands().apply(program) is not program


@pytest.mark.parametrize("op", ["MUL", "ADD"])
def test_what_reads_the_earlier_slice_first_stays(op: str) -> None:
    graph = halves(op, later_first=False)
    assert ExchangeOperands().apply(graph) is graph


def test_a_difference_stays() -> None:
    p = Program()
    whole = p.rescale(p.input(1, 4, 8, 16), "INT32", 1.0)
    late, early = (p.slice(whole, (0, 0, at, 0), (1, 4, 4, 16)) for at in (4, 0))
    graph = p.graph(p.op("SUB", (late, early), (1, 4, 4, 16), "INT32"))
    assert ExchangeOperands().apply(graph) is graph


class TestExchangeOperands(PassContract):
    a_pass = ExchangeOperands()
    operators = SLICED_PAIRS
