"""Nights: how far the run of a suite is, and what its jobs remember from night to night."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass

from sqlalchemy import select

from results.nightly.night import NightEntry
from results.records.record import Record, canonical_json, utc_now
from results.store.database.database import Database
from results.store.database.tables import night_jobs, nights
from results.store.rows.insertion import upsert

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenNight(Record):
    """How far a night is.

    Attributes:
        started: UTC, names it.
        finished: None while it goes on or was interrupted.
        seconds: spent so far.
    """

    suite: str
    started: str
    finished: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class JobNote(Record):
    """What is known of one model and target of a suite.

    Attributes:
        job: model, target and options, as the suite file says them, in one string.
        night: `OpenNight.started` of the night that the next three belong to.
        before_cycles: of the best under the present identity when that night began; None if there was none.
        before_evaluations: candidates known by then.
        entry: what came of it; None while it is not done.
        seen_key: identity of the job in the last night that it was done in.
        accepted_key: earlier versions than this identity's are not compared with any more.
        failures: nights in a row that it failed in.
        failed_under: the identity that it failed under, or the versions if it did not come to one. Under others the
            count begins anew.
    """

    job: str
    night: str = ""
    before_cycles: int | None = None
    before_evaluations: int = 0
    entry: NightEntry | None = None
    seen_key: str = ""
    accepted_key: str = ""
    failures: int = 0
    failed_under: str = ""


class Nights:
    """The nights of a store: the latest of each suite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, suite: str) -> OpenNight | None:
        """The latest night of a suite."""
        with self._database.read() as connection:
            row = connection.execute(select(nights).where(nights.c.suite == suite)).mappings().first()
        return None if row is None else OpenNight(**row)

    def record(self, night: OpenNight) -> None:
        """Remember how far a night is; it takes the place of the suite's earlier nights."""
        with self._database.write() as connection:
            upsert(connection, nights, {"suite": night.suite}, asdict(night))

    def notes(self, suite: str) -> dict[str, JobNote]:
        """What the nights of a suite remember, by job. A damaged note is skipped with a warning."""
        with self._database.read() as connection:
            rows = connection.execute(select(night_jobs.c.note_json).where(night_jobs.c.suite == suite)).scalars().all()
        found = {}
        for text in rows:
            try:
                note = JobNote.from_json(json.loads(text))
            except (ValueError, TypeError) as error:
                log.warning("skipped a note on suite %s in the store: %s", suite, error)
                continue
            found[note.job] = note
        return found

    def record_note(self, suite: str, note: JobNote) -> None:
        """Remember something about a job, in the place of what was remembered.

        Args:
            suite: name of the suite that the job is of.
            note: what to remember; `note.job` says of which job.
        """
        key = {"suite": suite, "job_sha256": hashlib.sha256(note.job.encode()).hexdigest()}
        with self._database.write() as connection:
            upsert(connection, night_jobs, key, {"note_json": canonical_json(note.to_json()), "updated": utc_now()})
