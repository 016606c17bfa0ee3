"""The `.pte` of a lowering, as `velatune run` executes it and `velatune verify --run` checks it."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.correctness.proofs.case import Case
from benchmarks.correctness.proofs.proof import job_of
from workers.backend.job import Job
from workers.cache.atomic_write import write_whole
from workers.errors import ModelError
from workers.ethos_u.lowering.ahead_of_time.recipe_lowering import apply_recipe
from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.lowering import quantised_program
from workers.ethos_u.lowering.toolchain import to_edge, to_executorch
from workers.ethos_u.run_check import run_check
from workers.ethos_u.target import Target
from workers.models.identity.content_hash import text_hash
from workers.output_capture import toolchain_hushed


def prove_file(case: Case, folder: Path) -> str:
    """What the case's file computes that the default lowering does not, in one line; empty if nothing.

    Arguments and errors as of `file_of`.
    """
    try:
        run_check(file_of(case, folder), job_of(case), case.recipe)
    except ModelError as error:
        return str(error)
    return ""


def file_of(case: Case, folder: Path) -> Path:
    """The case's file, which is written into the folder if it is not there.

    Raises ModelError if the model cannot be lowered.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{case.model} {case.accelerator} {case.kind}")
    file = folder / f"{name}-{text_hash(case.recipe)[:8]}.pte"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(file, _written(job_of(case), case.recipe))
    return file


def _written(job: Job[Target], recipe: str) -> bytes:
    model = exported_model(job.source)
    assert model is not None
    with toolchain_hushed(), apply_recipe(recipe, job.target, check_streams=False):
        quantised = quantised_program(model, job.target, seed=job.seed)
        return bytes(to_executorch(to_edge(quantised.program, quantised.compile_spec)).buffer)
