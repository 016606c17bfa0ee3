"""Which kinds of NPU operation the evidence has, found from its streams."""

from __future__ import annotations

from itertools import permutations

import pytest
from support.programs.npu_programs import everything

from benchmarks.predictions.validation import kinds_text
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.cost.evidence.operation_kinds import kinds_of
from workers.ethos_u.cost.stream_cost.evidence_kinds import KINDS_FILE, has_evidence
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, compile_tosa


def _description(compiled: Compiled) -> set[str]:
    return {kind for run in decode(compiled.command_stream).runs for kind in kinds_of(run.first)}


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_operations_are_called_as_in_velas_table(accelerator: str) -> None:
    family = accelerator.rpartition("-")[0]
    for name, tosa in everything(family).items():
        compiled = compile_tosa(tosa, Target.parse(accelerator))
        expected = {row.npu_op for row in compiled.operators}
        if family != "ethos-u85" and "MatMul" in expected:
            expected = expected - {"MatMul"} | {"Mul", "ReduceSum"}
        assert _description(compiled) == expected, name


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_every_transpose_is_reported_from_a_copy(accelerator: str) -> None:
    for order in permutations(range(4)):
        p = Program()
        compiled = compile_tosa(p.tosa(p.transpose(p.input(1, 6, 10, 20), *order)), Target.parse(accelerator))
        transposed = any(row.npu_op == "Transpose" for row in compiled.operators)
        assert ("Transpose" in _description(compiled)) == transposed, order


def test_the_file_is_of_the_evidence_that_ships() -> None:
    assert KINDS_FILE.read_text() == kinds_text(), "run: make validation"


def test_what_ships_has_convolutions_everywhere_and_transposes_on_u55_and_u65() -> None:
    """TinyCNN on U55-128 is the only program with transposes, and counts for U65 too; none has a matrix product."""
    families = "ethos-u55", "ethos-u65", "ethos-u85"
    assert all(has_evidence(family, "Conv2D") for family in families)
    assert [has_evidence(family, "Transpose") for family in families] == [True, True, False]
    assert not any(has_evidence(family, "MatMul") for family in families)
    assert not has_evidence("ethos-u75", "Conv2D")
