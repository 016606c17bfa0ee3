"""Several processes write one store, and one that is killed loses nothing."""

import os
import signal
import sqlite3
from pathlib import Path

from support.processes.store_writers import start, writer
from support.samples.sample_results import IDENTITY

from results.store.store import Store

KEY = IDENTITY.key


def test_processes_create_and_write_one_store_at_once(where):
    # Ranges overlap: every candidate is recorded by two processes.
    processes = [writer(where, first, first + 20) for first in (0, 10, 20, 30, 40, 0)]
    start(*processes)
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert len(out.split()) == 20
    with Store.open(where) as store:
        assert {e.recipe for e in store.evaluations.of(KEY)} == {
            "default", *(f"pass-{n}" for n in range(60)),
        }  # fmt: skip
        assert store.evaluations.counts(KEY) == (61, 8)
        assert store.bests.get(KEY).recipe == "pass-59"


def test_killed_writer_loses_nothing_and_nothing_counts_twice(where):
    said: set[str] = set()
    for after in (1, 7, 40):
        process = writer(where, 0, 100_000)
        start(process)
        said.update(process.stdout.readline().strip() for _ in range(after))
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        said.update(rest.split())
    with Store.open(where) as store:
        known = [e.recipe for e in store.evaluations.of(KEY)]
    if isinstance(where, Path):
        assert sqlite3.connect(where).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert said <= set(known)
    # The one that was being written when the process died may be there or not, whole or not at all.
    assert len(known) == len(set(known))
    assert set(known) == {f"pass-{number}" for number in range(len(known))}
    process = writer(where, 0, len(known) + 5)
    start(process)
    process.communicate(timeout=120)
    with Store.open(where) as store:
        assert store.evaluations.counts(KEY) == (len(known) + 5 + 1, 8)
