"""The base program of a job."""

from __future__ import annotations

from workers.ethos_u.job import Job
from workers.ethos_u.lowering.base_program import BaseProgram, load_or_lower


def lowered(job: Job) -> BaseProgram:
    """Lower the model, or find it in the cache. Raises ModelError."""
    return load_or_lower(
        job.source,
        job.target,
        cache_dir=job.cache_dir / "lowered",
        seed=job.seed,
        calibration_data=job.calibration_data,
        io_layout=job.io_layout,
    )
