"""The search space of a job: its lowered model, and the settings that lower it to other programs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.recipe import registry
from tuner.tuning.context import TuningContext
from workers import tasks
from workers.backend.backend import Backend
from workers.backend.base import Base
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.errors import ModelError
from workers.pool.failures import WorkerLost
from workers.pool.shared import Shared

#: The slowest models known take minutes to lower and to run through the reference model.
PREPARE_SECONDS = 1800.0


@dataclass(frozen=True)
class Opened:
    """What a search starts from.

    Attributes:
        prepared: the base program, its open choices and the recipes that a search starts from.
        shared: the base program, where workers find it.
        settings: those that make the toolchain lower the model to another program -> where searches start. Outputs are
            the same unless the job allows more.
    """

    prepared: tasks.Prepared
    shared: Shared[Base]
    settings: Mapping[Setting, tuple[str, ...]]

    @property
    def base(self) -> Base:
        return self.prepared.base


async def opened(job: Job, context: TuningContext) -> Opened:
    """Lower the model, or find it in the cache.

    Args:
        job: the model and its target.
        context: of the command; its pool lowers.

    Returns:
        What there is to search.

    Raises:
        ModelError: the model cannot be lowered, or every worker that tried was lost. Or the backend is at fault, see
            `check_passes`.
    """
    check_passes(backend_of(job.target.backend), job.allowance.exactness)
    context.progress.lowering(job)
    try:
        with context.clock.lowering():
            prepared = await context.pool.run(tasks.prepare, job, timeout_seconds=PREPARE_SECONDS)
    except WorkerLost as lost:
        raise ModelError(f"{job.source}: lowering it for {job.target.label} failed, {lost}") from lost
    shared = context.pool.share(prepared.base)
    return Opened(prepared, shared, await _settings(job, prepared.base, shared, context))


def check_passes(backend: Backend, allowed: Exactness) -> None:
    """Refuse a backend whose passes could not be named in a recipe.

    Args:
        backend: of the target.
        allowed: the class of passes that is asked for.

    Raises:
        ModelError: it lists a pass that no entry point names.
    """
    known = registry.passes()
    for one in backend.passes(allowed):
        if one.name not in known:
            raise ModelError(
                f"the backend {backend.family} lists the pass {one.name}, which recipes cannot name; "
                "its package needs an entry point of velatune.passes for it (docs/backends.md)"
            )


async def _settings(
    job: Job, base: Base, shared: Shared[Base], context: TuningContext
) -> dict[Setting, tuple[str, ...]]:
    """As in `Opened`. Each setting is lowered by a call of its own, and so counts as one on the clock of searches."""
    backend, pool, lowering = backend_of(job.target.backend), context.pool, context.clock.lowering

    async def enter(setting: Setting) -> tuple[str, ...] | None:
        try:
            with lowering():
                return await pool.run(tasks.enter, shared, base.key, job, setting, timeout_seconds=PREPARE_SECONDS)
        except WorkerLost as lost:
            backend.remember_lost(job, base, setting, str(lost))
            return None

    settings = backend.open_settings(job, base)
    if job.allowance.exactness >= Exactness.PRECISION:
        arguments = shared, base.key, job
        try:
            with lowering():
                settings += await pool.run(tasks.measured_settings, *arguments, timeout_seconds=PREPARE_SECONDS)
        except WorkerLost as lost:
            raise ModelError(f"{job.source}: measuring which layers bear other widths failed, {lost}") from lost
    starts = await asyncio.gather(*map(enter, settings))
    return {setting: found for setting, found in zip(settings, starts, strict=True) if found is not None}
