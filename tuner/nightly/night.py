"""A night over a suite: skip fresh results, replay changed ones, search where gain is likely, and report.

Everything a night knows is in the store and in the searches' journals, written as it comes. The next run resumes a
night that was interrupted, by whatever. What was done in it is not done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager as Open
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from results.errors import StoreError
from results.nightly.night import Night, NightEntry
from results.records.best import Best
from results.records.record import utc_now
from results.store.nights import JobNote, OpenNight
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.crash_report import unexpected
from tuner.nightly.entries import Entries, entry_of, quarantined
from tuner.nightly.job_notes import name_of, note_of, versions_of
from tuner.nightly.plan import Plan, Planner, readable
from tuner.nightly.scheduler import Scheduler, Share
from tuner.nightly.suite_file import Suite
from tuner.search.warm_start import WarmStart
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.identity import identity_of
from tuner.tuning.progress import Progress
from tuner.tuning.tune import Tuned, replay, tune
from workers import tasks
from workers.backend.base import Identified
from workers.backend.job import Job
from workers.errors import ModelError
from workers.pool.failures import PoolFailed, WorkerLost
from workers.pool.local_pool import LocalPool
from workers.pool.ray_pool import Pool

_Made = TypeVar("_Made")

_IDENTIFY_SECONDS = 600.0
_TICK_SECONDS = 15.0


async def run_night(
    suite: Suite, jobs: Sequence[Job], readers: Open[LocalPool | Pool], workers: Open[Pool], store: Store,
    studies: Path, log_dir: Path, progress: Progress,
) -> Night:  # fmt: skip
    """Go over a suite once, or go on where the last run of it was interrupted.

    Args:
        suite: says how much time, how many candidates and which store a night has.
        jobs: of the suite.
        readers: to read models in.
        workers: to evaluate in; entered only if there is something to do.
        store: results are read from it and recorded in it.
        studies: folder of the journals of searches.
        log_dir: of the workers' logs.
        progress: shows what goes on.

    Returns:
        What became of each job, and what changed since earlier nights.

    Raises:
        StoreError, PoolFailed: the store or the workers fail; the next run goes on from there.
    """
    night = store.nights.get(suite.name)
    if night is None or night.finished is not None:
        night = OpenNight(suite.name, utc_now())
        store.nights.record(night)
    one = _Night(suite, night, readers, workers, store, studies, log_dir, progress)
    with progress.shown():
        return await one.run(jobs)


def _searches(pool: Pool) -> int:
    """The searches that run at once: one more than workers. While one waits for its slowest candidate, another has some
    to offer."""
    return pool.jobs + 1


class _Night:
    """One night: reads the models, replays what other versions may have changed, then searches."""

    def __init__(
        self, suite: Suite, night: OpenNight, readers: Open[LocalPool | Pool], workers: Open[Pool], store: Store,
        studies: Path, log_dir: Path, progress: Progress,
    ) -> None:  # fmt: skip
        self._suite, self._night = suite, night
        self._readers, self._workers, self._store, self._studies = readers, workers, store, studies
        self._log_dir, self._progress = log_dir, progress
        self._versions: dict[str, str] = {}
        self._planner = Planner(suite, night, store)
        self._entries = Entries(suite, night, self._planner, store, progress)
        self._began = time.monotonic()

    async def run(self, jobs: Sequence[Job]) -> Night:
        notes = self._store.nights.notes(self._suite.name)
        self._versions = versions_of(jobs)
        clock = asyncio.create_task(self._keep_time())
        try:
            plans, entries = self._plans(jobs, notes, await self._identify(jobs, notes))
            if plans:
                experience = WarmStart.of(self._store, {job.source for job in jobs})
                async with self._workers as pool:
                    context = TuningContext(pool, self._store, self._studies, self._progress, experience=experience)
                    await self._search(await self._replay_changed(plans, entries, context), entries, context)
        finally:
            clock.cancel()
        finished = replace(self._night, finished=utc_now(), seconds=self._seconds())
        self._store.nights.record(finished)
        ordered = tuple(entries[job] for job in jobs)
        return Night(
            suite=self._suite.name,
            started=finished.started,
            finished=str(finished.finished),
            seconds=finished.seconds,
            candidates=sum(entry.candidates for entry in ordered),
            limits=self._suite.night_limits(),
            versions=self._versions,
            entries=ordered,
        )

    async def _keep_time(self) -> None:
        """So that a night that is killed knows afterwards what it had spent."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            with contextlib.suppress(StoreError):  # whoever has something to lose will say so
                self._store.nights.record(replace(self._night, seconds=self._seconds()))

    def _seconds(self) -> float:
        return self._night.seconds + time.monotonic() - self._began

    async def _identify(
        self, jobs: Sequence[Job], notes: Mapping[str, JobNote]
    ) -> dict[tuple[object, ...], Identified | str]:
        """By source and options: what the model is the same as, or why that cannot be said. In workers: a model's own
        code may crash or hang."""

        async def one(job: Job, readers: LocalPool | Pool) -> Identified | str:
            try:
                return await readers.run(tasks.identified, job, timeout_seconds=_IDENTIFY_SECONDS)
            except PoolFailed:
                raise
            except WorkerLost as lost:
                return f"{job.source}: reading it failed, {lost}"
            except ModelError as error:
                return str(error)
            except Exception as error:  # a fault of velatune's own: it must not cost the other models their night
                return f"{job.source}: {unexpected(error, self._log_dir)}"

        # Exporting takes seconds, and does not depend on the target.
        read = [job for job in jobs if not self._is_unreadable(notes.get(name_of(job)))]
        firsts = {_read_as(job): job for job in reversed(read)}
        async with self._readers as readers:
            found = await _all(one(job, readers) for job in firsts.values())
        return dict(zip(firsts, found, strict=True))

    def _is_unreadable(self, note: JobNote | None) -> bool:
        """In quarantine for it; what hangs would cost every night."""
        return note is not None and note.failures >= self._suite.attempts and note.failed_under == str(self._versions)

    def _plans(
        self, jobs: Sequence[Job], notes: Mapping[str, JobNote], models: Mapping[tuple[object, ...], Identified | str]
    ) -> tuple[list[Plan], dict[Job, NightEntry]]:
        """What is to be done, and what is done already."""
        plans, entries = [], {}
        for job in jobs:
            note = note_of(job, notes)
            if self._is_unreadable(note):
                entries[job] = entry_of(job, note, "quarantined", quarantined(note))
                continue
            model = models[_read_as(job)]
            if isinstance(model, str):
                known = note.entry if note.night == self._night.started else None
                entries[job] = known or self._entries.failed(job, note, str(self._versions), model)
                continue
            plan = self._planner.plan(job, note, identity_of(model, job.target, self._suite.objective_of(job)))
            if plan.note.entry is not None:  # done before this night was interrupted
                entries[job] = plan.note.entry
            elif plan.note.failures >= self._suite.attempts:
                entries[job] = self._entries.said(plan, "quarantined", quarantined(plan.note))
            elif plan.priority.is_fresh and self._planner.is_replayed(plan):
                # Searched, but not yet entered, before this night was interrupted.
                entries[job] = self._entries.done(plan, "tuned" if self._planner.candidates(plan) else "fresh")
            else:
                plans.append(plan)
        return plans, entries

    async def _replay_changed(
        self, plans: Sequence[Plan], entries: dict[Job, NightEntry], context: TuningContext
    ) -> list[Plan]:
        """Before anything is searched: what the toolchain changed is known for all, however small the budget is."""
        places = asyncio.Semaphore(_searches(context.pool))

        async def one(plan: Plan) -> Plan | None:
            if self._planner.is_replayed(plan):
                return plan
            recipe, status = readable(plan.before) or Recipe(), plan.priority.status or "interrupted"
            async with places:
                made = await self._guarded(plan, replay(
                    plan.job, recipe, self._suite.objective_of(plan.job), status, context,
                ))  # fmt: skip
            if isinstance(made, NightEntry):
                entries[plan.job] = made
                return None
            drift = self._planner.drift(plan, made)
            plan = replace(plan, priority=plan.priority.after(drift)) if drift is not None else plan
            if plan.priority.is_fresh:
                entries[plan.job] = self._entries.done(plan, "fresh")
                return None
            return plan

        return [plan for plan in await _all(map(one, plans)) if plan is not None]

    async def _search(self, plans: Sequence[Plan], entries: dict[Job, NightEntry], context: TuningContext) -> None:
        budget = self._suite.budget
        seconds = None if budget.seconds is None else budget.seconds - self._seconds()
        candidates = None if budget.candidates is None else budget.candidates - sum(
            entry.candidates for entry in entries.values()
        ) - sum(map(self._planner.candidates, plans))  # fmt: skip
        turns = Scheduler(_searches(context.pool), seconds, candidates)

        async def one(plan: Plan) -> None:
            share = Share(turns, plan.priority.rank)
            try:
                if not await share.start():
                    entries[plan.job] = self._entries.done(plan, "waiting", "the budget is spent")
                    return
                trials = Budget(plan.note.before_evaluations + budget.per_job)
                made = await self._guarded(plan, _best_of(tune(
                    plan.job, self._suite.objective_of(plan.job), trials, context, share,
                )))  # fmt: skip
            finally:
                share.stop()
            entries[plan.job] = made if isinstance(made, NightEntry) else self._entries.done(plan, "tuned")

        await _all(map(one, plans))

    async def _guarded(self, plan: Plan, work: Awaitable[Best]) -> Best | NightEntry:
        """The best that `work` finds, or the entry of a job that failed."""
        try:
            best = await work
            if best.identity.key != plan.identity.key:
                raise ModelError(
                    f"{plan.job.source}: is not reproducible, two imports gave other weights or inputs; call "
                    "torch.manual_seed() in it"
                )
            return best
        except (PoolFailed, StoreError):
            raise
        except ModelError as error:
            reason = str(error)
        except Exception as error:  # a fault of velatune's own: it must not cost the other models their night
            reason = f"{plan.job.source}: {unexpected(error, self._log_dir)}"
        return self._entries.failed(plan.job, plan.note, plan.identity.key, reason)


async def _all(work: Iterable[Coroutine[Any, Any, _Made]]) -> list[_Made]:
    """The results in order; the first error ends the rest."""
    running = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*running)
    finally:
        for one in running:
            one.cancel()


async def _best_of(tuned: Awaitable[Tuned]) -> Best:
    return (await tuned).best


def _read_as(job: Job) -> tuple[object, ...]:
    """What decides, in one suite, how a model is read."""
    return job.source, job.target.backend, job.calibration_data, job.io_layout
