"""The store on real SQLite files: what it keeps, what it refuses, many processes, sudden death."""

import dataclasses
import itertools
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_results import BEST_OPERATORS, IDENTITY, best, evaluation, failed, mutated
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from results.connect import connect, store_url
from results.errors import StoreError
from results.precedence import weight
from results.records import Evaluation
from results.store import Store
from results.tables import VERSION_TABLE, metadata

KEY = IDENTITY.key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder that is not there" / "store.sqlite"


@pytest.fixture
def store(path: Path):
    with Store.open(path) as store:
        store.register(IDENTITY)
        yield store


def edit(path: Path, statement: str, *values: object) -> None:
    """Damage a store behind its back."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints=ON")
    connection.execute(statement, values)
    connection.commit()
    connection.close()


# What it keeps


def test_evaluations_come_back_as_they_were(store, path):
    made = [
        evaluation("default", operators=BEST_OPERATORS),
        evaluation("a | b{x=1,y=2}", 70, verified=False),
        failed("c", "crashed", program_hash="", attempts=2),
        failed("d", "wrong", figures=best().best.figures),
    ]
    assert all(store.record_evaluation(one) for one in made)
    with Store.open(path) as again:
        assert again.evaluations(KEY) == made
        assert again.evaluation(KEY, "a | b{x=1,y=2}") == made[1]
        assert again.evaluation(KEY, "never") is None


def test_candidate_is_counted_once(store):
    for _ in range(3):
        for recipe in ("default", "a", "b"):
            store.record_evaluation(evaluation(recipe, program_hash="same" if recipe == "b" else recipe))
        store.record_evaluation(evaluation("c", program_hash="same"))
        store.record_evaluation(failed("d", "refused", program_hash=""))
    # d came to no program, b and c to the same one.
    assert store.counts(KEY) == (5, 3)


def test_evaluation_of_an_unknown_identity_is_refused(store):
    with pytest.raises(StoreError, match="register"):
        store.record_evaluation(evaluation("a", identity=mutated(IDENTITY, ("objective",), "other")))


def test_last_name_of_a_model_is_kept(store):
    store.set_best(best())
    store.register(dataclasses.replace(IDENTITY, model_name="renamed"))
    assert store.best(KEY).identity.model_name == "renamed"


RECORDS = [
    failed("r", "timed out"),
    failed("r", "crashed", attempts=2),
    failed("r", "crashed", attempts=3),
    failed("r", "refused"),
    evaluation("r", verified=False),
    evaluation("r"),
    evaluation("r", operators=BEST_OPERATORS),
    failed("r", "wrong"),
    failed("r", "wrong", operators=BEST_OPERATORS),
]


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(RECORDS, 2)))
def test_weightier_record_stays(store, old, new):
    store.record_evaluation(old)
    changed = store.record_evaluation(new)
    assert changed == (RECORDS.index(new) > RECORDS.index(old))
    assert store.evaluations(KEY) == [max(old, new, key=RECORDS.index)]


def test_order_of_arrival_does_not_matter(tmp_path):
    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.sampled_from(RECORDS), min_size=1))
    def check(arriving: list[Evaluation]) -> None:
        path = tmp_path / f"{next(number)}.sqlite"
        with Store.open(path) as store:
            store.register(IDENTITY)
            for record in arriving:
                store.record_evaluation(record)
            assert weight(store.evaluation(KEY, "r")) == max(map(weight, arriving))

    number = itertools.count()
    check()


def test_other_figures_under_the_same_identity_are_reported(store, caplog):
    store.record_evaluation(evaluation("a", 70))
    with caplog.at_level(logging.WARNING):
        store.record_evaluation(evaluation("a", 71))
    assert "71" in caplog.text and "70" in caplog.text
    assert store.evaluation(KEY, "a").figures.cycles == 70


def test_reason_may_hold_anything_a_dying_compiler_writes(store):
    store.record_evaluation(failed("a", "crashed", reason="half \udc80 and \0 and 'quotes'; DROP TABLE"))
    assert store.evaluation(KEY, "a").reason == "half ? and \ufffd and 'quotes'; DROP TABLE"


def test_found_by_command_stream(store):
    other = mutated(IDENTITY, ("versions", "ethos_u_vela"), "5.2.0")
    store.register(other)
    store.record_evaluation(evaluation("a", command_stream_sha256=("11" * 32, "22" * 32)))
    store.record_evaluation(evaluation("b", command_stream_sha256=("33" * 32,), verified=False))
    store.record_evaluation(evaluation("c", identity=other, command_stream_sha256=("44" * 32, "33" * 32)))
    store.record_evaluation(evaluation("d", command_stream_sha256=("33" * 32, "33" * 32)))

    def found(sha256: str, **limit: int) -> list[tuple[str, str]]:
        return [(i.key, e.recipe) for i, e in store.find_by_command_stream(sha256, **limit)]

    assert found("22" * 32) == [(KEY, "a")]
    assert found("33" * 32) == [(KEY, "d"), (other.key, "c"), (KEY, "b")]
    assert found("33" * 32, limit=1) == [(KEY, "d")]
    assert found("55" * 32) == []


# Bests


def test_best_comes_back_as_it_was(store, path):
    made = best()
    assert store.set_best(made) == made
    with Store.open(path) as again:
        assert again.best(KEY) == made
        assert again.bests() == [made]
        assert again.counts(KEY) == (2, 2)
        assert again.best("0" * 64) is None


def test_default_may_be_the_best(store):
    default = evaluation("default")
    assert store.set_best(best("default", 100, default=default, best=default)).recipe == "default"


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        (best(best=evaluation("fuse-transposes", 60, verified=False)), "not verified"),
        (best(best=failed("fuse-transposes", "wrong", figures=best().best.figures)), "wrong"),
        (best(best=failed("fuse-transposes", "crashed")), "crashed"),
        (best(default=failed("default", "refused")), "default"),
        (best(cycles=101), "more cycles"),
        (best(best=evaluation("something-else", 60)), "something-else"),
        (best(best=evaluation("fuse-transposes", 60, mutated(IDENTITY, ("objective",), "x"))), "belong"),
    ],
)
def test_unfit_best_is_refused(store, unfit, why):
    store.set_best(best("sound", 80))
    before = store.evaluations(KEY)
    with pytest.raises(StoreError, match=why):
        store.set_best(unfit)
    assert store.best(KEY).recipe == "sound"
    assert store.evaluations(KEY) == before


def test_candidate_known_to_be_wrong_cannot_become_best(store):
    store.record_evaluation(failed("fuse-transposes", "wrong"))
    with pytest.raises(StoreError, match="wrong"):
        store.set_best(best())
    assert store.best(KEY) is None
    assert store.counts(KEY) == (1, 1), "nothing of the refused best is stored"


def test_best_that_turns_out_wrong_is_taken_back(store, caplog):
    store.set_best(best())
    with caplog.at_level(logging.WARNING):
        store.record_evaluation(failed("fuse-transposes", "wrong"))
    assert store.best(KEY) is None
    assert "fuse-transposes" in caplog.text
    assert store.set_best(best("second", 90)).recipe == "second"


ARRIVING = [("aaa", 70), ("bb", 70), ("c", 80), ("dd", 70)]


@pytest.mark.parametrize("order", list(itertools.permutations(ARRIVING)))
def test_cheaper_best_wins_in_any_order(store, order):
    for recipe, cycles in order:
        stored = store.set_best(best(recipe, cycles))
    assert stored.recipe == store.best(KEY).recipe == "bb"


def test_same_best_again_updates_the_account_of_the_search(store):
    store.set_best(best(status="interrupted", evaluations=5, distinct=3, seconds=1.0))
    store.set_best(best(evaluations=50, distinct=30, seconds=9.0))
    assert (store.best(KEY).evaluations, store.best(KEY).status) == (50, "exhausted")


# Damage


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE evaluations SET recipe = 'b-ut-other' WHERE recipe = 'b'",
        "UPDATE evaluations SET recipe = CAST(x'ff62' AS TEXT) WHERE recipe = 'b'",
        "UPDATE evaluations SET check_json = '{\"inputs\": [' WHERE recipe = 'b'",
        "UPDATE evaluations SET cycles = 'many' WHERE recipe = 'b'",
        "UPDATE evaluations SET cycles = -1 WHERE recipe = 'b'",
        "UPDATE evaluations SET macs = NULL WHERE recipe = 'b'",
        "UPDATE evaluations SET verified = 'perhaps' WHERE recipe = 'b'",
        "UPDATE evaluations SET status = 'great' WHERE recipe = 'b'",
        "UPDATE evaluations SET reason = x'0001' WHERE recipe = 'b'",
        "UPDATE evaluations SET label = 'guessed' WHERE recipe = 'b'",
        "UPDATE operator_tables SET rows_json = '[[1]]' WHERE evaluation_id = 2",
        "UPDATE operator_tables SET rows_json = '7' WHERE evaluation_id = 2",
    ],
)
def test_damaged_evaluation_is_skipped_and_heals(store, path, caplog, damage):
    made = [evaluation(recipe, operators=BEST_OPERATORS) for recipe in "abc"]
    for one in made:
        store.record_evaluation(one)
    edit(path, damage)
    with caplog.at_level(logging.WARNING):
        assert store.evaluations(KEY) == [made[0], made[2]]
    assert "evaluation 2" in caplog.text
    assert store.record_evaluation(made[1])
    assert store.evaluations(KEY) == made


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE identities SET objective = 'x'",
        "UPDATE targets SET memory_mode = 'Sram_Only'",
        "UPDATE toolchains SET ethos_u_vela = '5.2.0'",
        "UPDATE models SET hash = 'another model'",
        "UPDATE bests SET status = 'somehow'",
        "UPDATE bests SET evaluations = 'lots'",
        "UPDATE bests SET best_evaluation_id = 77",
        "UPDATE evaluations SET verified = 0 WHERE recipe = 'fuse-transposes'",
        "UPDATE evaluations SET cycles = NULL WHERE recipe = 'default'",
    ],
)
def test_damaged_best_is_never_offered(store, path, caplog, damage):
    store.set_best(best())
    edit(path, damage)
    with caplog.at_level(logging.WARNING):
        assert store.best(KEY) is None
        assert store.bests() == []
    assert "skipped" in caplog.text


def test_command_stream_of_a_damaged_identity_is_not_found(store, path, caplog):
    store.record_evaluation(evaluation("a"))
    edit(path, "UPDATE toolchains SET ethos_u_vela = '5.2.0'")
    with caplog.at_level(logging.WARNING):
        assert store.find_by_command_stream("e0" * 32) == []
    assert f"identity {KEY}" in caplog.text


def one_line(error: pytest.ExceptionInfo[StoreError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def test_what_is_no_store(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("these are my notes, and they are long enough to be taken for a database\n" * 50)
    with pytest.raises(StoreError, match="not an SQLite database") as error:
        Store.open(text)
    assert str(text) in one_line(error)
    assert text.read_text().startswith("these are my notes")


def test_database_of_another_program(tmp_path):
    path = tmp_path / "study.db"
    edit(path, "CREATE TABLE studies (id INTEGER)")
    with pytest.raises(StoreError, match="another program") as error:
        Store.open(path)
    one_line(error)
    tables = sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("studies",)]


def test_store_of_a_newer_version(store, path):
    edit(path, f"UPDATE {VERSION_TABLE} SET version_num = '9000'")
    with pytest.raises(StoreError, match="upgrade velatune") as error:
        Store.open(path)
    assert "9000" in one_line(error)


def test_truncated_store(store, path):
    for number in range(50):
        store.record_evaluation(evaluation(f"r{number}"))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 // 4096 * 4096])
    with pytest.raises(StoreError) as error, Store.open(path) as damaged:
        damaged.evaluations(KEY)
    assert str(path) in one_line(error)


def test_store_that_cannot_be_written(store, path):
    store.set_best(best())
    store.close()
    with Store.open(f"sqlite:///file:{path}?mode=ro&uri=true") as readable:
        assert readable.best(KEY) == best(default=readable.best(KEY).default, best=readable.best(KEY).best)
        with pytest.raises(StoreError, match="cannot be written") as error:
            readable.record_evaluation(evaluation("new"))
        one_line(error)


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="folder") as error:
        Store.open(tmp_path / "file" / "store.sqlite")
    one_line(error)


@pytest.mark.parametrize("url", ["", "mysql://user:secret@host/name", "://", "postgresql://[::1/x"])
def test_unsupported_store(url):
    with pytest.raises(StoreError) as error:
        Store.open(url)
    assert "secret" not in one_line(error)


def test_postgresql_that_cannot_be_had_is_told_without_the_password():
    # Without the driver the message says how to get it; with it, that nobody listens on this port.
    with pytest.raises(StoreError) as error:
        Store.open("postgresql://user:secret@127.0.0.1:1/name")
    assert "127.0.0.1" in one_line(error)
    assert "secret" not in str(error.value)


def test_default_place_is_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with Store.open() as store:
        assert Path(store.location) == tmp_path / "velatune" / "store.sqlite"
        assert Path(store.location).exists()


# The schema


def test_migrations_lead_to_the_tables_of_the_code(store, path):
    engine = connect(store_url(path))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    # Alembic does not compare CHECK constraints and names; SQLite can say both.
    fresh = connect(store_url(":memory:"))
    with fresh.begin() as connection:
        metadata.create_all(connection)
        expected = named_parts(connection.connection.driver_connection)
    assert named_parts(sqlite3.connect(path)) == expected


def test_results_from_before_layouts_were_known_are_found(store, path):
    made = store.set_best(best())
    edit(path, "ALTER TABLE identities DROP COLUMN io_layout")
    for younger in ("nights", "night_jobs"):
        edit(path, f"DROP TABLE {younger}")
    edit(path, f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
    with Store.open(path) as again:
        assert again.best(KEY) == made


def named_parts(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Constraints of each table by their text, and its indexes."""
    parts: dict[str, set[str]] = {}
    rows = connection.execute("SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    for table, sql in rows:
        lines = [" ".join(line.strip().strip(",").split()) for line in sql.splitlines()]
        parts.setdefault(table, set()).update(line for line in lines if line.startswith(("CONSTRAINT", "CREATE INDEX")))
    parts.pop(VERSION_TABLE, None)
    return parts


def test_tables_can_be_written_for_postgresql():
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=postgresql.dialect())).strip().startswith("CREATE TABLE")


# Many processes


WRITER = """
import sys
sys.path[:0] = {path!r}
from sample_results import IDENTITY, best, evaluation
from results.store import Store

where, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sys.stdin.readline()  # all start at once
with Store.open(where) as store:
    store.register(IDENTITY)
    for number in range(first, last):
        recipe = f"pass-{{number}}"
        one = evaluation(recipe, max(100 - number, 0), program_hash=f"p{{number % 7}}")
        store.record_evaluation(one)
        print(recipe, flush=True)
    store.set_best(best(recipe, best=one))
"""


def writer(where: Path, first: int, last: int) -> subprocess.Popen[str]:
    """A process that records candidates and says so after each one; it starts at a line on its input."""
    here = Path(__file__).parent
    code = WRITER.format(path=[str(here), str(here.parent)])
    command = [sys.executable, "-c", code, str(where), str(first), str(last)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def test_processes_create_and_write_one_store_at_once(path):
    # Ranges overlap: every candidate is recorded by two processes.
    processes = [writer(path, first, first + 20) for first in (0, 10, 20, 30, 40, 0)]
    start(*processes)
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert len(out.split()) == 20
    with Store.open(path) as store:
        assert {e.recipe for e in store.evaluations(KEY)} == {
            "default", *(f"pass-{n}" for n in range(60)),
        }  # fmt: skip
        assert store.counts(KEY) == (61, 8)
        assert store.best(KEY).recipe == "pass-59"


def test_killed_writer_loses_nothing_and_nothing_counts_twice(path):
    said: set[str] = set()
    for after in (1, 7, 40):
        process = writer(path, 0, 100_000)
        start(process)
        said.update(process.stdout.readline().strip() for _ in range(after))
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        said.update(rest.split())
    with Store.open(path) as store:
        known = [e.recipe for e in store.evaluations(KEY)]
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert said <= set(known)
    # The one that was being written when the process died may be there or not, whole or not at all.
    assert len(known) == len(set(known))
    assert set(known) == {f"pass-{number}" for number in range(len(known))}
    process = writer(path, 0, len(known) + 5)
    start(process)
    process.communicate(timeout=120)
    with Store.open(path) as store:
        assert store.counts(KEY) == (len(known) + 5 + 1, 8)


def test_process_killed_while_creating_the_store(path):
    for milliseconds in range(0, 100, 10):
        process = writer(path, 0, 5)
        start(process)
        while not path.exists():
            time.sleep(0.001)
        time.sleep(milliseconds / 1000)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        if milliseconds < 90:
            for file in path.parent.iterdir():
                file.unlink()
    with Store.open(path) as store:
        store.register(IDENTITY)
        store.set_best(best())
        assert store.best(KEY).recipe == "fuse-transposes"
