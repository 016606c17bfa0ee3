"""The base program of a job."""

from __future__ import annotations

from typing import Any

from workers.backend.base import Identified
from workers.backend.job import Job
from workers.ethos_u.lowering.base_program import BaseProgram, identify, load_lowered, load_or_lower
from workers.ethos_u.target import Target


def identified(job: Job[Target]) -> Identified:
    """What the job's base program is the same as; nothing is lowered. Raises ModelError."""
    return identify(job.source, job.target, **_options(job))


def lowered(job: Job[Target]) -> BaseProgram:
    """Lower the model, or find it in the cache. Raises ModelError."""
    return load_or_lower(job.source, job.target, cache_dir=job.cache_dir / "lowered", **_options(job))


def lowered_before(job: Job[Target]) -> BaseProgram | None:
    """As `lowered` where nothing has to be lowered; None where the cache has no good entry. Raises ModelError."""
    return load_lowered(job.source, job.target, cache_dir=job.cache_dir / "lowered", **_options(job))


def _options(job: Job[Target]) -> dict[str, Any]:
    return {"seed": job.seed, "calibration_data": job.calibration_data, "io_layout": job.io_layout}
