"""A run over several models and targets. Some run at a time, so that a slow evaluation of one does not hold the
others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from results.errors import StoreError
from results.store.store import Store
from tuner.crash_report import unexpected
from tuner.search.samplers import SamplerName
from tuner.search.warm_start import WarmStart
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import Tuned, tune
from workers import tasks
from workers.backend.job import Job
from workers.errors import ModelError
from workers.pool.failures import PoolFailed
from workers.pool.ray_pool import Pool


@dataclass(frozen=True)
class Failure:
    """A job that gave no result.

    Attributes:
        reason: one line for people.
    """

    job: Job
    reason: str


async def tune_all(
    jobs: Sequence[Job],
    objective: Objective,
    budget: Budget,
    *,
    sampler: SamplerName = "local-search",
    workers: int,
    address: str | None,
    store: Store,
    studies: Path,
    log_dir: Path,
    progress: Progress,
) -> list[Tuned | Failure]:
    """Tune jobs side by side. A job that fails does not stop the others.

    Args:
        jobs: models and their targets.
        objective: what is minimised, and the limits.
        budget: of each job.
        sampler: who proposes candidates.
        workers: processes to evaluate in.
        address: of a running Ray cluster; None for one of its own.
        store: results are read from it and recorded in it.
        studies: folder of the journals of searches.
        log_dir: of the workers' logs.
        progress: shows what goes on.

    Returns:
        What came of each job, in the order given.

    Raises:
        PoolFailed: Ray cannot be started or joined.
    """
    # One job more than workers: while one waits for its slowest candidate, another has some to offer.
    experience = WarmStart.of(store, {job.source for job in jobs})
    places = asyncio.Semaphore(workers + 1)
    async with Pool(workers, log_dir, address=address, warm_up=tasks.warm_up) as pool:
        context = TuningContext(pool, store, studies, progress, sampler, experience)

        async def one(job: Job) -> Tuned | Failure:
            async with places:
                try:
                    return await tune(job, objective, budget, context)
                except (PoolFailed, StoreError) as error:
                    # A lost pool fails the jobs that are left as well, each with its line; what is done stays done.
                    reason = f"{job.source}: {error}"
                except ModelError as error:
                    reason = str(error)
                except Exception as error:  # a fault of velatune's own: it must not cost the other models their run
                    reason = f"{job.source}: {unexpected(error, log_dir)}"
                progress.failed(job, reason)
                return Failure(job, reason)

        with progress.shown():
            return await asyncio.gather(*map(one, jobs))
