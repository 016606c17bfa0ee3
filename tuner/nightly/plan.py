"""The plan for a job: what the store has for it, before a night does anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from results.nightly.night import Drift, comparable, drift_between
from results.records.best import Best
from results.records.compare import figures_of
from results.records.evaluation import Evaluation
from results.records.identity import Identity
from results.store.nights import JobNote, OpenNight
from results.store.store import Store
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from tuner.nightly.priority import Priority, priority_of
from tuner.nightly.suite_file import Suite
from workers.backend.job import Job


@dataclass(frozen=True)
class Plan:
    """What a night knows of a job before it evaluates anything.

    Attributes:
        note: what earlier nights noted, and this one before it was interrupted.
        identity: what the job's results are stored under now.
        earlier: comparable bests of other versions, the newest first.
        before: that of the versions of the last night, if they are others now.
        priority: when its search comes.
    """

    job: Job
    note: JobNote
    identity: Identity
    earlier: tuple[Best, ...]
    before: Best | None
    priority: Priority


class Planner:
    """Reads plans off the store."""

    def __init__(self, suite: Suite, night: OpenNight, store: Store) -> None:
        """Plan the jobs of one night.

        Args:
            suite: says how long results stay fresh.
            night: the night, which is going on.
            store: holds results and notes; notes of this night are begun in it.
        """
        self._suite, self._night, self._store = suite, night, store

    def plan(self, job: Job, note: JobNote, identity: Identity) -> Plan:
        """The plan of a job whose model is read. A note of this night is begun where there is none.

        Args:
            job: whose model is read.
            note: what earlier nights noted of it.
            identity: what its results are stored under now.

        Returns:
            The plan.
        """
        if note.entry is not None and note.entry.identity_key != identity.key:
            note = replace(note, night="")  # its versions changed while the night was interrupted
        if note.failed_under != identity.key:
            note = replace(note, failures=0)
        present = self._store.bests.get(identity.key)
        if note.night != self._night.started:
            note = replace(
                note,
                night=self._night.started,
                before_cycles=figures_of(present)[1].cycles if present is not None else None,
                before_evaluations=self._store.evaluations.counts(identity.key)[0],
                entry=None,
            )
            self._store.nights.record_note(self._suite.name, note)
        known = _since(note.accepted_key, self._store.bests.of_model(identity))
        earlier = tuple(best for best in known if comparable(best.identity, identity))
        before = None
        if earlier and (present is None or note.seen_key != identity.key):
            before = next((best for best in earlier if best.identity.key == note.seen_key), earlier[0])
        updated, evaluations = self._store.bests.updated(identity.key), self._store.evaluations.of(identity.key)
        priority = priority_of(present, updated, before, evaluations, self._suite.fresh_days)
        return Plan(job, note, identity, earlier, before, priority)

    def candidates(self, plan: Plan) -> int:
        """Evaluated in this night so far."""
        return self._store.evaluations.counts(plan.identity.key)[0] - plan.note.before_evaluations

    def drift(self, plan: Plan, present: Best) -> Drift | None:
        """What other versions changed for a job; None where none are other.

        Args:
            plan: of the job.
            present: its best under the present identity.

        Returns:
            The drift from the versions of the last night; None where no version is another one.
        """
        return None if plan.before is None else drift_between(plan.before, present, self._replayed(plan))

    def is_replayed(self, plan: Plan) -> bool:
        """Whether nothing is to be replayed, either."""
        nothing = plan.before is None or (readable(plan.before) is None and plan.priority.status is not None)
        return nothing or self._replayed(plan) is not None

    def _replayed(self, plan: Plan) -> Evaluation | None:
        """The recipe of before under the present identity."""
        recipe = readable(plan.before)
        return None if recipe is None else self._store.evaluations.get(plan.identity.key, str(recipe))


def readable(best: Best | None) -> Recipe | None:
    """The recipe of an earlier best, if there still are such passes and choices."""
    try:
        return None if best is None else Recipe.parse(best.recipe)
    except SpaceError:
        return None


def _since(accepted_key: str, bests: Sequence[Best]) -> Sequence[Best]:
    """Of bests, the newest first, those that are not older than what was accepted."""
    keys = [best.identity.key for best in bests]
    return bests[: keys.index(accepted_key) + 1] if accepted_key in keys else bests
