"""The `velatune tune` command that would find a missing result."""

from __future__ import annotations

import shlex

from search_space.exactness import Exactness
from tuner.tuning.objective import Objective
from workers.backend.job import Job

_ALLOWING = {Exactness.REQUANTISING: "--allow-requant", Exactness.PRECISION: "--allow-precision"}


def how_to_tune(job: Job, objective: Objective, store: str | None) -> str:
    """The command that tunes a job, as a shell takes it. Options at their defaults are left out.

    Args:
        job: the model and its target.
        objective: what to tune for.
        store: as `--store`; None for the user's own.

    Returns:
        `velatune tune ...`
    """
    words = ["velatune", "tune", job.source]
    of_the_job = {
        **job.target.options, **_options_of(objective), "--seed": job.seed or None,
        "--calibration-data": job.calibration_data, "--io-layout": job.io_layout, "--store": store,
    }  # fmt: skip
    for option, value in of_the_job.items():
        words += [] if value is None else [option, str(value)]
    return shlex.join(words)


def _options_of(objective: Objective) -> dict[str, object]:
    allowance = objective.allowance
    options: dict[str, object] = {
        "--objective": objective.kind,
        "--max-sram": objective.max_sram_bytes,
        "--max-flash": objective.max_flash_bytes,
    }
    if allowance:
        options[_ALLOWING[allowance.exactness]] = allowance.max_loss_db
    if allowance.min_sqnr_db is not None:
        options["--min-sqnr"] = allowance.min_sqnr_db
    if allowance.metric is not None:
        options |= {"--metric": allowance.metric.source, "--min-metric": allowance.metric.minimum}
    return options
