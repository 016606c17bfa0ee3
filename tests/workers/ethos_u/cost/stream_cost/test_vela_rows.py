"""Vela's formulas as we understand them make Vela's rows of Vela's inputs."""

from __future__ import annotations

from functools import cache

import pytest
from support.programs.npu_programs import everything

from benchmarks.predictions.rows import Compared, compared_rows
from workers.ethos_u.target import Target

ACCELERATORS = [
    "ethos-u55-32", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u65-512", "ethos-u85-128",
    "ethos-u85-256", "ethos-u85-1024",
]  # fmt: skip
on_every_target = pytest.mark.parametrize("accelerator", ACCELERATORS)


@cache
def rows(accelerator: str) -> list[Compared]:
    programs = everything(accelerator.rpartition("-")[0])
    return [row for name, tosa in programs.items() for row in compared_rows(name, tosa, Target.parse(accelerator))]


@on_every_target
def test_vela_s_rows_of_vela_s_inputs(accelerator: str) -> None:
    fed = [row for row in rows(accelerator) if row.exact is not None]
    assert len(fed) >= 20
    # How much of a copy Vela takes for hidden depends on its schedule, of which it tells only the outcome.
    off = [row for row in fed if not row.exact and row.artefact not in ("slices", "rivalry", "table copy")]
    assert off == []
