"""Jobs as they are kept: what was asked for, and how far it is. A job is stored before anyone is notified of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from results.records.record import utc_now
from results.service.state import State
from results.service.state import jobs as table

JobState = Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]
STATES: tuple[JobState, ...] = get_args(JobState)
ENDED = ("done", "failed", "cancelled")

_MOST_ATTEMPTS = 5


class QueueFull(Exception):
    """As many jobs wait as may."""


@dataclass(frozen=True)
class Job:
    """A model to tune for a target.

    Attributes:
        request: what was asked for, as `results.service.http.schemas.JobRequestJson` has it.
        reason: why it failed, or what is to be said of how it stands.
        attempts: how often it was started.
        identity: key under which the store has its results; None until that is known.
        owner: id of the token that asked.
    """

    number: int
    id: str
    request: Mapping[str, Any]
    state: JobState
    reason: str
    attempts: int
    identity: str | None
    owner: str
    created: str
    started: str | None
    ended: str | None


class Jobs:
    """All jobs of a state folder."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._folder = state.folder / "jobs"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def folder(self, id: str) -> Path:
        """What the job's process left: `events.jsonl`, `log.txt`, `result.json`, `model.pte`."""
        return self._folder / id

    def add(self, request: Mapping[str, Any], owner: str, most_queued: int) -> Job:
        """Put a job at the end of the queue.

        Args:
            request: what to do; it must be JSON.
            owner: id of the token that asked for it.
            most_queued: jobs that may wait at a time.

        Returns:
            The job, queued.

        Raises:
            QueueFull: so many wait already.
        """
        id = secrets.token_hex(8)
        with self._state.write() as connection:
            waiting = select(func.count()).select_from(table).where(table.c.state == "queued")
            if connection.execute(waiting).scalar_one() >= most_queued:
                raise QueueFull
            connection.execute(
                insert(table).values(
                    id=id, request=json.dumps(request), state="queued", reason="", attempts=0, owner=owner,
                    created=utc_now(),
                )
            )  # fmt: skip
            return _by_id(connection, id)

    def find(self, id: str) -> Job | None:
        with self._state.read() as connection:
            row = connection.execute(select(table).where(table.c.id == id)).mappings().first()
        return None if row is None else _job(row)

    def newest(self, limit: int, offset: int = 0) -> list[Job]:
        """The latest jobs, of any state.

        Args:
            limit: the most that are returned.
            offset: newer ones that are passed over.

        Returns:
            Jobs, the newest first.
        """
        with self._state.read() as connection:
            rows = connection.execute(select(table).order_by(table.c.number.desc()).limit(limit).offset(offset))
            return [_job(row) for row in rows.mappings()]

    def of_identity(self, key: str) -> Job | None:
        """The job that was done last for an identity."""
        done = select(table).where(table.c.identity == key, table.c.state == "done").order_by(table.c.ended.desc())
        with self._state.read() as connection:
            row = connection.execute(done.limit(1)).mappings().first()
        return None if row is None else _job(row)

    def counts(self) -> dict[JobState, int]:
        with self._state.read() as connection:
            rows = connection.execute(select(table.c.state, func.count()).group_by(table.c.state)).all()
        known = {row[0]: row[1] for row in rows}
        return {state: known.get(state, 0) for state in STATES}

    def start_next(self) -> Job | None:
        """The job that has waited longest, now running; None if none waits."""
        with self._state.write() as connection:
            waiting = select(table.c.id).where(table.c.state == "queued").order_by(table.c.number).limit(1)
            id = connection.execute(waiting).scalar()
            if id is None:
                return None
            now = utc_now()
            connection.execute(
                update(table)
                .where(table.c.id == id)
                .values(state="running", attempts=table.c.attempts + 1, started=func.coalesce(table.c.started, now))
            )
            return _by_id(connection, id)

    def end(self, id: str, state: JobState, reason: str = "", identity: str | None = None) -> None:
        """Say what became of a job that ran.

        Args:
            id: of the job.
            state: that it ended in.
            reason: why, for people; empty if it is done.
            identity: key of the identity that it tuned; None leaves what is known.
        """
        with self._state.write() as connection:
            connection.execute(
                update(table)
                .where(table.c.id == id)
                .values(
                    state=state, reason=reason, ended=utc_now(), identity=func.coalesce(identity, table.c.identity)
                )
            )  # fmt: skip

    def ask_to_cancel(self, id: str) -> JobState:
        """Cancel a waiting job at once, or mark a running one.

        The result is the state that it then has.
        """
        with self._state.write() as connection:
            of_it = update(table).where(table.c.id == id)
            connection.execute(of_it.where(table.c.state == "queued").values(state="cancelled", ended=utc_now()))
            connection.execute(of_it.where(table.c.state == "running").values(state="cancelling"))
            return _by_id(connection, id).state

    def put_back(self, id: str) -> None:
        """A job that was stopped with the service waits again; that was no attempt."""
        with self._state.write() as connection:
            again = update(table).where(table.c.id == id, table.c.state == "running")
            connection.execute(again.values(state="queued", attempts=table.c.attempts - 1))

    def recover(self) -> None:
        """Restore the queue after a service has died.

        What ran waits again, in its old place; what was being cancelled is cancelled.
        """
        with self._state.write() as connection:
            connection.execute(
                update(table).where(table.c.state == "cancelling").values(state="cancelled", ended=utc_now())
            )
            ran = update(table).where(table.c.state == "running")
            gone = f"the service went down {_MOST_ATTEMPTS} times while it ran"
            connection.execute(
                ran.where(table.c.attempts >= _MOST_ATTEMPTS).values(state="failed", reason=gone, ended=utc_now())
            )
            connection.execute(ran.where(table.c.attempts < _MOST_ATTEMPTS).values(state="queued"))


def _by_id(connection: Connection, id: str) -> Job:
    return _job(connection.execute(select(table).where(table.c.id == id)).mappings().one())


def _job(row: RowMapping) -> Job:
    return Job(**{**row, "request": json.loads(row["request"])})
