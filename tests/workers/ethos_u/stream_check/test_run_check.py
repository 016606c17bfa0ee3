"""A `.pte` is run and compared with what its delegates were made from, and with the default lowering."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.samples.nets_to_run import NETS

from workers.backend.job import Job
from workers.errors import ModelError
from workers.ethos_u.lowering.ahead_of_time.recipe_lowering import apply_recipe
from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.lowering import quantised_program
from workers.ethos_u.lowering.toolchain import to_edge
from workers.ethos_u.run_check import Ran, run_check
from workers.ethos_u.target import Target


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "nets.py").write_text(NETS)
    return Job(f"{tmp_path / 'nets.py'}:small", Target.parse("ethos-u55-128"), tmp_path / "cache", 0)


def written(job: Job, out: Path) -> Path:
    """The job's model by the default recipe, as `velatune apply` writes it."""
    model = exported_model(job.source)
    assert model is not None
    with apply_recipe("default", job.target, check_streams=False):
        quantised = quantised_program(model, job.target, seed=job.seed)
        out.write_bytes(bytes(to_edge(quantised.program, quantised.compile_spec).to_executorch().buffer))
    return out


def other(job: Job, function: str) -> Job:
    return Job(job.source.replace(":small", f":{function}"), job.target, job.cache_dir, job.seed)


def test_a_right_file_is_run_on_all_inputs(job: Job, tmp_path: Path) -> None:
    file = written(job, tmp_path / "small.pte")
    # Two delegates, on random, minimum, maximum, zero point and two calibration inputs each; the minimum of the second
    # is its zero point, behind a ReLU. The whole file on two calibration inputs, two random ones, minimum and maximum.
    assert run_check(file, job, "default") == Ran(sets=11, whole=6)
    with pytest.raises(ModelError, match=r"none of its delegates is what Vela makes of .*nets\.py:sliced by 'default'"):
        run_check(file, other(job, "sliced"), "default")


def test_a_file_with_a_state_is_run_in_turn_as_well(job: Job, tmp_path: Path) -> None:
    job = other(job, "streamed")
    ran = run_check(written(job, tmp_path / "streamed.pte"), job, "default")
    assert ran.turns == 3 and str(ran).endswith(", the whole on 6 and 3 times in turn")


def test_a_file_that_vela_miscompiled_is_refused_with_the_operation(job: Job, tmp_path: Path) -> None:
    """A product of a slice: docs/vela-miscompilations.md."""
    job = other(job, "sliced")
    file = written(job, tmp_path / "sliced.pte")
    reported = (
        r"^.*sliced\.pte: delegate 0: the command stream breaks a rule of the NPU: .*; "
        r"operation \d+ \(pool, of MatMul\) is the first to go wrong: \d+ of 160 values of \S+ differ$"
    )
    with pytest.raises(ModelError, match=reported):
        run_check(file, job, "default")


def test_what_vela_miscompiles_is_not_lowered_in_ones_own_script(job: Job) -> None:
    model = exported_model(other(job, "sliced").source)
    assert model is not None
    quantised = quantised_program(model, job.target, seed=job.seed)
    reported = (
        r"recipe 'default', delegate 0: Vela miscompiles it for ethos-u55-128, .*; operation \d+ \(pool, of MatMul\) "
        r"is the first to go wrong: .*; check_streams=False lowers it all the same"
    )
    with pytest.raises(ModelError, match=reported), apply_recipe("default", job.target):
        to_edge(quantised.program, quantised.compile_spec)
