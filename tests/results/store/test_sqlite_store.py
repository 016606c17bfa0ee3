"""What only a store in an SQLite file meets: other files, half files, files that may not be written."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from support.processes.store_writers import start, writer
from support.samples.damaged_store import edit
from support.samples.sample_results import IDENTITY, best, evaluation

from results.errors import StoreError
from results.store.database.connect import connect, store_url
from results.store.database.tables import VERSION_TABLE, metadata
from results.store.store import Store

KEY = IDENTITY.key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path):
    with Store.open(path) as store:
        store.identities.register(IDENTITY)
        yield store


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


def test_store_of_a_version_that_is_not_known(store, path):
    edit(path, f"UPDATE {VERSION_TABLE} SET version_num = '9000'")
    with pytest.raises(
        StoreError, match=r"a newer one or a development version wrote it\. Upgrade velatune, or"
    ) as error:
        Store.open(path)
    assert "9000" in one_line(error)


def test_truncated_store(store, path):
    for number in range(50):
        store.evaluations.record(evaluation(f"r{number}"))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 // 4096 * 4096])
    with pytest.raises(StoreError) as error, Store.open(path) as damaged:
        damaged.evaluations.of(KEY)
    assert str(path) in one_line(error)


def test_store_that_cannot_be_written(store, path):
    store.bests.record(best())
    store.close()
    with Store.open(f"sqlite:///file:{path}?mode=ro&uri=true") as readable:
        found = readable.bests.get(KEY)
        assert found == best(default=found.default, best=found.best)
        with pytest.raises(StoreError, match="cannot be written") as error:
            readable.evaluations.record(evaluation("new"))
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


def test_postgresql_that_cannot_be_had_is_reported_without_the_password():
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


def test_migrations_lead_to_the_constraints_and_names_of_the_code(store, path):
    # Alembic does not compare CHECK constraints and names; SQLite can say both.
    fresh = connect(store_url(":memory:"))
    with fresh.begin() as connection:
        metadata.create_all(connection)
        expected = named_parts(connection.connection.driver_connection)
    assert named_parts(sqlite3.connect(path)) == expected


def named_parts(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Constraints of each table by their text, and its indexes."""
    parts: dict[str, set[str]] = {}
    rows = connection.execute("SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    for table, sql in rows:
        lines = [" ".join(line.strip().strip(",").split()) for line in sql.splitlines()]
        parts.setdefault(table, set()).update(line for line in lines if line.startswith(("CONSTRAINT", "CREATE INDEX")))
    parts.pop(VERSION_TABLE, None)
    return parts


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
        store.identities.register(IDENTITY)
        store.bests.record(best())
        assert store.bests.get(KEY).recipe == "fuse-transposes"
