"""Ask the stores about a model.

The model is lowered only where an answer needs its structure.
"""

from __future__ import annotations

from pathlib import Path

from results.lookup.lookup import Answer, Miss, lookup
from results.records.identity import Identity
from results.store.tiers import Tiers
from tuner.tuning.identity import identity_of
from tuner.tuning.objective import Objective
from workers import tasks
from workers.backend.base import Base
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.errors import ModelError
from workers.pool.failures import WorkerLost
from workers.pool.interrupts import run_interruptible
from workers.pool.local_pool import LocalPool

_SECONDS = 1800.0


def identity_for(job: Job, objective: Objective) -> Identity:
    """What a job's results are stored under. Nothing is lowered, so the structure is None.

    Args:
        job: the model and its target.
        objective: that it is tuned for.

    Returns:
        The identity.

    Raises:
        ModelError: the model cannot be loaded.
    """
    return identity_of(tasks.identified(job), job.target, objective)


def ask(stores: Tiers, job: Job, objective: Objective, log_dir: Path) -> tuple[Answer, Identity]:
    """What is known for a job, and the identity that was asked for.

    There may be neither a hit nor a stale result, but results of other models to choose from. Then the model is lowered
    for its structure, or taken from the cache.

    Args:
        stores: what is asked.
        job: the model and its target.
        objective: that it is tuned for.
        log_dir: of the log of the process that lowers the model.

    Returns:
        The answer, and the identity; it has a structure if the model was lowered.

    Raises:
        ModelError: the model cannot be loaded or lowered.
        StoreError: the user's store cannot be read.
    """
    identity = identity_for(job, objective)
    answer = lookup(stores, identity)
    if isinstance(answer, Miss) and stores.knows_others(identity):
        base = backend_of(job.target.backend).lowered(job)
        identity = identity_of(base or run_interruptible(_lowered(job, log_dir), log_dir), job.target, objective)
        answer = lookup(stores, identity)
    return answer, identity


async def _lowered(job: Job, log_dir: Path) -> Base:
    # In a worker, as for a search: what is lowered is cached, and must not depend on this process's hash seed.
    async with LocalPool(1, log_dir, tasks.warm_up) as pool:
        try:
            return await pool.run(tasks.lowered, job, timeout_seconds=_SECONDS)
        except WorkerLost as lost:
            raise ModelError(f"{job.source}: lowering it for {job.target.label} failed, {lost}") from lost
