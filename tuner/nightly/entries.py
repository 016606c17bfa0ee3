"""What a night says of each job, remembered as soon as it is known."""

from __future__ import annotations

from dataclasses import replace

from results.nightly.night import NightEntry, Outcome, reference_of
from results.records.compare import figures_of
from results.store.nights import JobNote, OpenNight
from results.store.store import Store
from tuner.nightly.plan import Plan, Planner
from tuner.nightly.suite_file import Suite
from tuner.tuning.progress import Progress
from workers.backend.job import Job


class Entries:
    """Makes the entries of one night and keeps them in the store."""

    def __init__(self, suite: Suite, night: OpenNight, planner: Planner, store: Store, progress: Progress) -> None:
        """Make the entries of one night.

        Args:
            suite: that the night is of.
            night: the night, which is going on.
            planner: knows the candidates and drift of a job.
            store: entries are noted in it.
            progress: says what is left out and what failed.
        """
        self._suite, self._night, self._planner = suite, night, planner
        self._store, self._progress = store, progress

    def failed(self, job: Job, note: JobNote, under: str, reason: str) -> NightEntry:
        """The entry of a job that failed, remembered; in the same night it is not tried again.

        Args:
            job: the model and its target.
            note: what earlier nights noted of it.
            under: identity that it failed under, or the versions; under another one the count of failures begins anew.
            reason: one line.

        Returns:
            The entry.
        """
        self._progress.failed(job, reason)
        failures = note.failures + 1 if note.failed_under == under else 1
        note = replace(note, night=self._night.started, failures=failures, failed_under=under)
        entry = replace(entry_of(job, note, "failed", reason), identity_key=under)
        self._store.nights.record_note(self._suite.name, replace(note, entry=entry))
        return entry

    def done(self, plan: Plan, outcome: Outcome, more: str = "") -> NightEntry:
        """The entry of a job that is done with for this night, remembered.

        Args:
            plan: of the job.
            outcome: what became of it.
            more: to say besides why it had its priority; empty for nothing.

        Returns:
            The entry.
        """
        entry = self.said(plan, outcome, "; ".join(filter(None, (plan.priority.why, more))))
        if outcome in ("fresh", "waiting"):
            self._progress.left(plan.job, f"{outcome}: {entry.why}")
        note = replace(plan.note, entry=entry, seen_key=plan.identity.key, failures=0)
        self._store.nights.record_note(self._suite.name, note)
        return entry

    def said(self, plan: Plan, outcome: Outcome, why: str) -> NightEntry:
        """The entry of a job with what the store has of it. It is not remembered.

        Args:
            plan: of the job.
            outcome: what became of it.
            why: one line.

        Returns:
            The entry, with cycles if the store has a best.
        """
        entry = replace(
            entry_of(plan.job, plan.note, outcome, why),
            identity_key=plan.identity.key,
            candidates=self._planner.candidates(plan),
            reference=reference_of(plan.earlier),
        )
        present = self._store.bests.get(plan.identity.key)
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
            drift=self._planner.drift(plan, present),
        )


def entry_of(job: Job, note: JobNote, outcome: Outcome, why: str) -> NightEntry:
    """The entry of a job of which nothing else is known.

    Args:
        job: the model and its target.
        note: what earlier nights noted of it.
        outcome: what became of it.
        why: one line.

    Returns:
        The entry, without cycles.
    """
    return NightEntry(
        job.source, job.target.label, outcome, why, job.target.backend, options=job.options,
        before_cycles=note.before_cycles, failures=note.failures, clock_hz=job.target.clock_hz,
    )  # fmt: skip


def quarantined(note: JobNote) -> str:
    """Why a job is left alone."""
    return f"failed in {note.failures} nights in a row; velatune nightly --retry takes it up again"
