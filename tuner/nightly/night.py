"""A night over a suite: look what is fresh, replay what changed, search where gain is likely, say what came of it.

Everything a night knows is in the store and in the searches' journals, written as it comes. A night that was
interrupted, by whatever, is gone on with by the next run; what was done in it is not done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager as Open
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from results.errors import StoreError
from results.nightly.night import Drift, Night, NightEntry, Outcome, comparable, drift_between, reference_of
from results.records.best import Best
from results.records.compare import figures_of
from results.records.evaluation import Evaluation
from results.records.identity import Identity
from results.records.record import utc_now
from results.store.night_rows import JobNote, OpenNight
from results.store.store import Store
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import SPACE_VERSION
from tuner.crash_report import unexpected
from tuner.nightly.priority import Priority, priority_of
from tuner.nightly.scheduler import Scheduler, Share
from tuner.nightly.suite_file import Suite
from tuner.search.warm_start import WarmStart
from tuner.tuning.identity import identity_of
from tuner.tuning.progress import Progress
from tuner.tuning.tune import Budget, Tuned, replay, tune
from workers import tasks
from workers.backend.base import Identified
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.errors import ModelError
from workers.pool.local_pool import PlainPool
from workers.pool.ray_pool import Pool, PoolFailed, WorkerLost

_Made = TypeVar("_Made")

_IDENTIFY_SECONDS = 600.0
_TICK_SECONDS = 15.0


async def run_night(
    suite: Suite, jobs: Sequence[Job], readers: Open[PlainPool | Pool], workers: Open[Pool], store: Store,
    studies: Path, log_dir: Path, progress: Progress,
) -> Night:  # fmt: skip
    """Go over a suite once, or go on where the last run of it was interrupted.

    jobs: of the suite. readers: to read models in. workers: to evaluate in; entered only if there is something to do.

    Raises:
        StoreError, PoolFailed: the store or the workers fail; the next run goes on from there.
    """
    night = store.night(suite.name)
    if night is None or night.finished is not None:
        night = OpenNight(suite.name, utc_now())
        store.set_night(night)
    one = _Night(suite, night, readers, workers, store, studies, log_dir, progress)
    with progress.shown():
        return await one.run(jobs)


def accept(suite: Suite, jobs: Sequence[Job], store: Store) -> list[str]:
    """Let what the last night found be what the next ones are compared with; the jobs accepted, one line each."""
    notes = store.night_notes(suite.name)
    accepted = []
    for job in jobs:
        note = notes.get(_name(job))
        if note is not None and note.seen_key:
            store.set_night_note(suite.name, replace(note, accepted_key=note.seen_key))
            accepted.append(note.job)
    return accepted


def release(suite: Suite, store: Store) -> None:
    """Let jobs out of quarantine."""
    for note in store.night_notes(suite.name).values():
        if note.failures:
            store.set_night_note(suite.name, replace(note, failures=0))


@dataclass(frozen=True)
class _Plan:
    """What is known of a job before anything is done for it.

    Attributes:
        earlier: comparable bests of other versions, the newest first.
        before: that of the versions of the last night, if they are others now.
    """

    job: Job
    note: JobNote
    identity: Identity
    earlier: tuple[Best, ...]
    before: Best | None
    priority: Priority


@dataclass(frozen=True)
class _AtWork:
    """experience: what won on similar models."""

    pool: Pool
    experience: WarmStart

    @property
    def searches(self) -> int:
        """That go on at once: one more than workers; while one waits for its slowest candidate, another has some to
        offer."""
        return self.pool.jobs + 1


class _Night:
    def __init__(
        self, suite: Suite, night: OpenNight, readers: Open[PlainPool | Pool], workers: Open[Pool], store: Store,
        studies: Path, log_dir: Path, progress: Progress,
    ) -> None:  # fmt: skip
        self._suite, self._night = suite, night
        self._readers, self._workers, self._store, self._studies = readers, workers, store, studies
        self._log_dir, self._progress = log_dir, progress
        self._versions: dict[str, str] = {}
        self._began = time.monotonic()

    async def run(self, jobs: Sequence[Job]) -> Night:
        notes = self._store.night_notes(self._suite.name)
        self._versions = _versions(jobs)
        clock = asyncio.create_task(self._keep_time())
        try:
            plans, entries = self._plans(jobs, notes, await self._identify(jobs, notes))
            if plans:
                experience = WarmStart.of(self._store, {job.source for job in jobs})
                async with self._workers as pool:
                    at_work = _AtWork(pool, experience)
                    await self._search(await self._replay_changed(plans, entries, at_work), entries, at_work)
        finally:
            clock.cancel()
        finished = replace(self._night, finished=utc_now(), seconds=self._seconds())
        self._store.set_night(finished)
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
                self._store.set_night(replace(self._night, seconds=self._seconds()))

    def _seconds(self) -> float:
        return self._night.seconds + time.monotonic() - self._began

    async def _identify(
        self, jobs: Sequence[Job], notes: Mapping[str, JobNote]
    ) -> dict[tuple[object, ...], Identified | str]:
        """By source and options: what the model is the same as, or why that cannot be said. In workers: a model's own
        code may crash or hang."""

        async def one(job: Job, readers: PlainPool | Pool) -> Identified | str:
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
        read = [job for job in jobs if not self._is_unreadable(notes.get(_name(job)))]
        firsts = {_read_as(job): job for job in reversed(read)}
        async with self._readers as readers:
            found = await _all(one(job, readers) for job in firsts.values())
        return dict(zip(firsts, found, strict=True))

    def _is_unreadable(self, note: JobNote | None) -> bool:
        """In quarantine for it; what hangs would cost every night."""
        return note is not None and note.failures >= self._suite.attempts and note.failed_under == str(self._versions)

    def _plans(
        self, jobs: Sequence[Job], notes: Mapping[str, JobNote], models: Mapping[tuple[object, ...], Identified | str]
    ) -> tuple[list[_Plan], dict[Job, NightEntry]]:
        """What is to be done, and what is done already."""
        plans, entries = [], {}
        for job in jobs:
            note = notes.get(_name(job), JobNote(_name(job)))
            if self._is_unreadable(note):
                entries[job] = _entry(job, note, "quarantined", _quarantined(note))
                continue
            model = models[_read_as(job)]
            if isinstance(model, str):
                known = note.entry if note.night == self._night.started else None
                entries[job] = known or self._failed(job, note, str(self._versions), model)
                continue
            plan = self._plan(job, note, identity_of(model, job.target, self._suite.objective_of(job)))
            if plan.note.entry is not None:  # done before this night was interrupted
                entries[job] = plan.note.entry
            elif plan.note.failures >= self._suite.attempts:
                entries[job] = self._said(plan, "quarantined", _quarantined(plan.note))
            elif plan.priority.is_fresh and self._is_replayed(plan):
                # Searched, but not yet entered, before this night was interrupted.
                entries[job] = self._done(plan, "tuned" if self._candidates(plan) else "fresh")
            else:
                plans.append(plan)
        return plans, entries

    def _plan(self, job: Job, note: JobNote, identity: Identity) -> _Plan:
        if note.entry is not None and note.entry.identity_key != identity.key:
            note = replace(note, night="")  # its versions changed while the night was interrupted
        if note.failed_under != identity.key:
            note = replace(note, failures=0)
        present = self._store.best(identity.key)
        if note.night != self._night.started:
            note = replace(
                note,
                night=self._night.started,
                before_cycles=figures_of(present)[1].cycles if present is not None else None,
                before_evaluations=self._store.counts(identity.key)[0],
                entry=None,
            )
            self._store.set_night_note(self._suite.name, note)
        known = _since(note.accepted_key, self._store.bests_like(identity))
        earlier = tuple(best for best in known if comparable(best.identity, identity))
        before = None
        if earlier and (present is None or note.seen_key != identity.key):
            before = next((best for best in earlier if best.identity.key == note.seen_key), earlier[0])
        updated, evaluations = self._store.updated(identity.key), self._store.evaluations(identity.key)
        priority = priority_of(present, updated, before, evaluations, self._suite.fresh_days)
        return _Plan(job, note, identity, earlier, before, priority)

    async def _replay_changed(
        self, plans: Sequence[_Plan], entries: dict[Job, NightEntry], at_work: _AtWork
    ) -> list[_Plan]:
        """Before anything is searched: what the toolchain changed is known for all, however small the budget is."""
        places = asyncio.Semaphore(at_work.searches)

        async def one(plan: _Plan) -> _Plan | None:
            if self._is_replayed(plan):
                return plan
            recipe, status = _readable(plan.before) or Recipe(), plan.priority.status or "interrupted"
            async with places:
                made = await self._guarded(plan, replay(
                    plan.job, recipe, self._suite.objective_of(plan.job), status, at_work.pool, self._store,
                    self._studies, self._progress, at_work.experience,
                ))  # fmt: skip
            if isinstance(made, NightEntry):
                entries[plan.job] = made
                return None
            drift = self._drift(plan, made)
            plan = replace(plan, priority=plan.priority.after(drift)) if drift is not None else plan
            if plan.priority.is_fresh:
                entries[plan.job] = self._done(plan, "fresh")
                return None
            return plan

        return [plan for plan in await _all(map(one, plans)) if plan is not None]

    async def _search(self, plans: Sequence[_Plan], entries: dict[Job, NightEntry], at_work: _AtWork) -> None:
        budget = self._suite.budget
        seconds = None if budget.seconds is None else budget.seconds - self._seconds()
        candidates = None if budget.candidates is None else budget.candidates - sum(
            entry.candidates for entry in entries.values()
        ) - sum(map(self._candidates, plans))  # fmt: skip
        turns = Scheduler(at_work.searches, seconds, candidates)

        async def one(plan: _Plan) -> None:
            share = Share(turns, plan.priority.rank)
            try:
                if not await share.start():
                    entries[plan.job] = self._done(plan, "waiting", "the budget is spent")
                    return
                trials = Budget(plan.note.before_evaluations + budget.per_job)
                made = await self._guarded(plan, _best_of(tune(
                    plan.job, self._suite.objective_of(plan.job), trials, at_work.pool, self._store,
                    self._studies, self._progress, share, experience=at_work.experience,
                )))  # fmt: skip
            finally:
                share.stop()
            entries[plan.job] = made if isinstance(made, NightEntry) else self._done(plan, "tuned")

        await _all(map(one, plans))

    async def _guarded(self, plan: _Plan, work: Awaitable[Best]) -> Best | NightEntry:
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
        return self._failed(plan.job, plan.note, plan.identity.key, reason)

    def _failed(self, job: Job, note: JobNote, under: str, reason: str) -> NightEntry:
        """Count it; in the same night it is not tried again."""
        self._progress.failed(job, reason)
        failures = note.failures + 1 if note.failed_under == under else 1
        note = replace(note, night=self._night.started, failures=failures, failed_under=under)
        entry = replace(_entry(job, note, "failed", reason), identity_key=under)
        self._store.set_night_note(self._suite.name, replace(note, entry=entry))
        return entry

    def _done(self, plan: _Plan, outcome: Outcome, more: str = "") -> NightEntry:
        """The entry of a job that is done with for this night, remembered."""
        entry = self._said(plan, outcome, "; ".join(filter(None, (plan.priority.why, more))))
        if outcome in ("fresh", "waiting"):
            self._progress.left(plan.job, f"{outcome}: {entry.why}")
        note = replace(plan.note, entry=entry, seen_key=plan.identity.key, failures=0)
        self._store.set_night_note(self._suite.name, note)
        return entry

    def _said(self, plan: _Plan, outcome: Outcome, why: str) -> NightEntry:
        entry = replace(
            _entry(plan.job, plan.note, outcome, why),
            identity_key=plan.identity.key,
            candidates=self._candidates(plan),
            reference=reference_of(plan.earlier),
        )
        present = self._store.best(plan.identity.key)
        if present is None:
            return entry
        default, best = figures_of(present)
        return replace(
            entry,
            default_cycles=default.cycles,
            default_fault=present.default_fault,
            best_cycles=best.cycles,
            recipe=present.recipe,
            run_status=present.status,
            drift=self._drift(plan, present),
        )

    def _candidates(self, plan: _Plan) -> int:
        """Evaluated in this night so far."""
        return self._store.counts(plan.identity.key)[0] - plan.note.before_evaluations

    def _drift(self, plan: _Plan, present: Best) -> Drift | None:
        return None if plan.before is None else drift_between(plan.before, present, self._replayed(plan))

    def _is_replayed(self, plan: _Plan) -> bool:
        """Whether nothing is to be replayed, either."""
        nothing = plan.before is None or (_readable(plan.before) is None and plan.priority.status is not None)
        return nothing or self._replayed(plan) is not None

    def _replayed(self, plan: _Plan) -> Evaluation | None:
        """The recipe of before under the present identity."""
        recipe = _readable(plan.before)
        return None if recipe is None else self._store.evaluation(plan.identity.key, str(recipe))


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


def _readable(best: Best | None) -> Recipe | None:
    """The recipe of an earlier best, if there still are such passes and choices."""
    try:
        return None if best is None else Recipe.parse(best.recipe)
    except SpaceError:
        return None


def _since(accepted_key: str, bests: Sequence[Best]) -> Sequence[Best]:
    """Of bests, the newest first, those that are not older than what was accepted."""
    keys = [best.identity.key for best in bests]
    return bests[: keys.index(accepted_key) + 1] if accepted_key in keys else bests


def _versions(jobs: Iterable[Job]) -> dict[str, str]:
    """Of all toolchains that the jobs need, and of the search space."""
    families = sorted({job.target.backend for job in jobs})
    return {
        **{name: version for one in families for name, version in backend_of(one).versions().items()},
        "search space": SPACE_VERSION,
    }


def _name(job: Job) -> str:
    """A job as the suite file names it; not the seed, which says nothing about what is tuned."""
    options = [job.source, *job.target.options.values(), str(job.calibration_data or ""), job.io_layout or ""]
    return json.dumps([*options, str(job.allowance)] if job.allowance else options)


def _read_as(job: Job) -> tuple[object, ...]:
    """What decides, in one suite, how a model is read."""
    return job.source, job.target.backend, job.calibration_data, job.io_layout


def _entry(job: Job, note: JobNote, outcome: Outcome, why: str) -> NightEntry:
    return NightEntry(
        job.source, job.target.label, outcome, why, options=job.options, before_cycles=note.before_cycles,
        failures=note.failures, clock_hz=job.target.clock_hz,
    )  # fmt: skip


def _quarantined(note: JobNote) -> str:
    return f"failed in {note.failures} nights in a row; velatune nightly --retry takes it up again"
