"""What nightly jobs remember from night to night, inside a transaction. A damaged note is skipped with a warning."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from results.nightly.night import NightEntry
from results.records.record import Record, canonical_json, utc_now
from results.store.database.tables import bests, identities, night_jobs, nights

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenNight(Record):
    """How far a night is. started: UTC, names it. finished: None while it goes on or was interrupted. seconds: spent
    so far."""

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


def load_night(connection: Connection, suite: str) -> OpenNight | None:
    row = connection.execute(select(nights).where(nights.c.suite == suite)).mappings().first()
    return None if row is None else OpenNight(**row)


def write_night(connection: Connection, night: OpenNight) -> None:
    _put(connection, nights, {"suite": night.suite}, asdict(night))


def load_notes(connection: Connection, suite: str) -> dict[str, JobNote]:
    """By job."""
    found = {}
    for row in connection.execute(select(night_jobs).where(night_jobs.c.suite == suite)).mappings():
        try:
            note = JobNote.from_json(json.loads(row["note_json"]))
        except (ValueError, TypeError) as error:
            log.warning("skipped a note on suite %s in the store: %s", suite, error)
            continue
        found[note.job] = note
    return found


def write_note(connection: Connection, suite: str, note: JobNote) -> None:
    key = {"suite": suite, "job_sha256": hashlib.sha256(note.job.encode()).hexdigest()}
    _put(connection, night_jobs, key, {"note_json": canonical_json(note.to_json()), "updated": utc_now()})


def load_created(connection: Connection, keys: set[str]) -> dict[str, str]:
    """Identity key -> when it was met first."""
    rows = connection.execute(select(identities.c.key, identities.c.created).where(identities.c.key.in_(keys)))
    return {row.key: row.created for row in rows}


def load_updated(connection: Connection, key: str) -> str | None:
    """When the best of an identity was stored last."""
    wanted = select(bests.c.updated).select_from(bests.join(identities)).where(identities.c.key == key)
    updated: str | None = connection.execute(wanted).scalar()
    return updated


def _put(connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**{**key, **values})
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))
