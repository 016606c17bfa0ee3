"""The `.pte` of a lowering, as `velatune run` executes it and `velatune verify --run` checks it."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.proofs.case import Case
from benchmarks.proofs.proof import Seconds, job_of
from workers.base_program import exported_model
from workers.errors import ModelError
from workers.lowering import quantised_program, to_edge, to_executorch
from workers.npu_model import Fault, Unmodelled
from workers.quiet import toolchain_hushed
from workers.recipe_lowering import apply_recipe
from workers.run_check import run_check
from workers.run_pte import PteProgram
from workers.run_pte.random_inputs import random_inputs
from workers.tasks import Job
from workers.whole_file import write_whole


@dataclass(frozen=True)
class FileProof:
    """What came of a file. wrong: what differs from the default lowering, in one line; empty if nothing does. seconds:
    of reading it and running it, and of running it again."""

    wrong: str
    seconds: Seconds


def prove_file(case: Case, folder: Path) -> FileProof:
    """Time and check the case's file, which is written into the folder if it is not there.

    Raises ModelError if the model cannot be lowered.
    """
    job = job_of(case)
    file = folder / f"{re.sub(r'[^A-Za-z0-9]+', '-', f'{case.model} {case.accelerator} {case.kind}')}.pte"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(file, _written(job, case.recipe))
    seconds = _seconds(file, job.seed)
    try:
        run_check(file, job, case.recipe)
    except ModelError as error:
        return FileProof(str(error), seconds)
    return FileProof("", seconds)


def _written(job: Job, recipe: str) -> bytes:
    model = exported_model(job.source)
    assert model is not None
    with toolchain_hushed(), apply_recipe(recipe, job.target, check_streams=False):
        quantised = quantised_program(model, job.target, seed=job.seed)
        return bytes(to_executorch(to_edge(quantised.program, quantised.compile_spec)).buffer)


def _seconds(file: Path, seed: int) -> Seconds:
    started = time.process_time()
    program = PteProgram.read(file)
    inputs = random_inputs(program.inputs(), seed)
    ends = [started]
    for _ in range(2):
        # What is wrong is found out by the check.
        with suppress(Fault, Unmodelled):
            program.run(inputs)
        ends.append(time.process_time())
    return Seconds(ends[1] - ends[0], ends[2] - ends[1])
