"""Runs what a recipe makes of a model by a command of the user's."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from search_space.recipe.recipe import Recipe
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.cortex_m.base.base_program import CortexMBase
from workers.cortex_m.candidates.programs import CortexMPrograms
from workers.cortex_m.files import evaluated_content
from workers.cortex_m.run.expected import expected_of
from workers.cortex_m.run.runner import Counted, run_by
from workers.cortex_m.target import Target


def run_recipe(
    job: Job[Target], recipe: str, expected_sha256: str, command: Sequence[str], timeout_seconds: float
) -> Counted:
    """Have the `.pte` of a recipe run on the first calibration input.

    Args:
        job: the model and the target.
        recipe: that was evaluated for it.
        expected_sha256: of the file that was evaluated.
        command: as of `run_by`.
        timeout_seconds: as of `run_by`.

    Returns:
        What was counted.

    Raises:
        ModelError: the model is lowered to another file now, or as `run_by`.
    """
    backend = backend_of(job.target.backend)
    base = backend.lower(job)
    programs = backend.programs(job, base)
    assert isinstance(programs, CortexMPrograms) and isinstance(base, CortexMBase)
    candidate = programs.by(Recipe.parse(recipe))
    content = evaluated_content(programs, job, candidate, [expected_sha256])
    inputs = base.samples[0]
    expected = expected_of(programs.lowered(candidate), inputs, job.target.instruction_set)
    with tempfile.TemporaryDirectory(prefix="velatune-runner-") as folder:
        return run_by(command, content, inputs, expected, Path(folder), timeout_seconds)
