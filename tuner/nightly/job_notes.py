"""What is stored about a job from one night to the next, by the job's name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from results.store.nights import JobNote
from results.store.store import Store
from search_space.recipe.space import SPACE_VERSION
from tuner.nightly.suite_file import Suite
from workers.backend.job import Job
from workers.backend.registry import backend_of


def name_of(job: Job) -> str:
    """A job as the suite file names it; not the seed, which says nothing about what is tuned."""
    options = [job.source, *job.target.options.values(), str(job.calibration_data or ""), job.io_layout or ""]
    return json.dumps([*options, str(job.allowance)] if job.allowance else options)


def note_of(job: Job, notes: Mapping[str, JobNote]) -> JobNote:
    """What earlier nights noted of a job, or an empty note.

    Args:
        job: the model and its target.
        notes: of its suite, by job.

    Returns:
        The note.
    """
    return notes.get(name_of(job), JobNote(name_of(job)))


def versions_of(jobs: Iterable[Job]) -> dict[str, str]:
    """Of all toolchains that jobs need, and of the search space."""
    families = sorted({job.target.backend for job in jobs})
    return {
        **{name: version for one in families for name, version in backend_of(one).versions().items()},
        "search space": SPACE_VERSION,
    }


def accept(suite: Suite, jobs: Sequence[Job], store: Store) -> list[str]:
    """Let what the last night found be what the next ones are compared with.

    Args:
        suite: whose notes are changed.
        jobs: of the suite, to accept.
        store: holds the notes.

    Returns:
        The jobs accepted, one line each; a job that no night has done is left out.
    """
    notes = store.nights.notes(suite.name)
    accepted = []
    for job in jobs:
        note = notes.get(name_of(job))
        if note is not None and note.seen_key:
            store.nights.record_note(suite.name, replace(note, accepted_key=note.seen_key))
            accepted.append(note.job)
    return accepted


def release(suite: Suite, store: Store) -> None:
    """Let jobs out of quarantine.

    Args:
        suite: whose jobs are tried again.
        store: holds the notes.
    """
    for note in store.nights.notes(suite.name).values():
        if note.failures:
            store.nights.record_note(suite.name, replace(note, failures=0))
