"""The memo under what happens to files: kills, races, damage."""

import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cache.memo import Memo

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
entries = st.dictionaries(st.text(), plain, max_size=3)
keys = st.dictionaries(st.sampled_from(["kind", "graph", "target"]), plain, min_size=1)


@given(key=keys, other=keys, value=entries)
def test_an_entry_is_found_under_its_key_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, key: dict[str, Any], other: dict[str, Any], value: dict[str, Any]
) -> None:
    memo = Memo(tmp_path_factory.mktemp("memo"))
    assert memo.get(**key) is None
    memo.put(value, **key)
    assert memo.get(**key) == value
    same = json.dumps(other, sort_keys=True) == json.dumps(key, sort_keys=True)
    assert memo.get(**other) == (value if same else None)


def test_a_later_entry_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.put({"cycles": 1}, graph="a")
    memo.put({"cycles": 2}, graph="a")
    assert Memo(tmp_path).get(graph="a") == {"cycles": 2}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"\xff" + data,
        lambda data: b"[1, 2]",
        lambda data: b'{"value": {"cycles": 3}}',
        lambda data: data.replace(b'"graph": "a"', b'"graph": "b"'),
        lambda data: data.replace(b'{"cycles": 1}', b"7"),
    ],
    ids=["empty", "cut off", "no text", "another thing", "no key", "another's entry", "no object"],
)  # fmt: skip
def test_a_damaged_entry_is_passed_over_and_written_anew(
    tmp_path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    memo = Memo(tmp_path)
    memo.put({"cycles": 1}, graph="a")
    (file,) = tmp_path.glob("*.sqlite")
    with closing(sqlite3.connect(file)) as connection, connection:
        ((content,),) = connection.execute("SELECT content FROM entries")
        connection.execute("UPDATE entries SET content = ?", (damage(content),))
    memo = Memo(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert memo.get(graph="a") is None
    assert "passed over" in caplog.text
    memo.put({"cycles": 2}, graph="a")
    assert memo.get(graph="a") == {"cycles": 2}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"\xff" * len(data),
        lambda data: data[:4096] + bytes(len(data) - 4096),
    ],
    ids=["cut off", "no database", "zeros"],
)
def test_a_damaged_file_begins_anew(tmp_path: Path, damage: Any, caplog: pytest.LogCaptureFixture) -> None:
    Memo(tmp_path).put({"cycles": 1}, graph="a")
    (file,) = tmp_path.glob("*.sqlite")
    file.write_bytes(damage(file.read_bytes()))
    memo = Memo(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert memo.get(graph="a") is None
    assert "passed over" in caplog.text
    memo.put({"cycles": 2}, graph="a")
    assert Memo(tmp_path).get(graph="a") == {"cycles": 2}


def test_a_folder_that_is_deleted_meanwhile_is_made_again(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo")
    memo.put({"cycles": 1}, graph="a")
    shutil.rmtree(tmp_path / "memo")
    memo.put({"cycles": 2}, graph="a")
    assert Memo(tmp_path / "memo").get(graph="a") == {"cycles": 2}


def test_what_is_kept_in_memory_is_what_the_file_says_and_no_more_than_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.cache.memo._KEPT_BYTES", 300)
    memo = Memo(tmp_path)
    for number in range(20):
        memo.put({"numbers": (number, number)}, graph=number)
    for file in tmp_path.glob("*.sqlite"):
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DELETE FROM entries")
    kept = {number for number in range(20) if memo.get(graph=number) == {"numbers": [number, number]}}
    assert kept == set(range(min(kept), 20)) and 1 < len(kept) < 20, "the latest ones"


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError):
        Memo(tmp_path / "file").put({}, graph="a")


WRITER = """
import sys
from pathlib import Path
from workers.cache.memo import Memo

memo, number = Memo(Path(sys.argv[1])), 0
print("writing", flush=True)
while True:
    number += 1
    memo.put({"number": number, "twice": 2 * number, "filler": "x" * 20000}, graph="contended")
"""


def test_readers_see_whole_entries_while_writers_race_and_are_killed(tmp_path: Path) -> None:
    for _ in range(3):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) for _ in range(2)
        ]
        for writer in writers:
            assert writer.stdout and writer.stdout.readline()
        seen = set()
        deadline = time.monotonic() + 60
        while len(seen) < 20 and time.monotonic() < deadline:
            entry = Memo(tmp_path).get(graph="contended")
            if entry is not None:
                assert entry["twice"] == 2 * entry["number"]
                seen.add(entry["number"])
        assert len(seen) == 20
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
        entry = Memo(tmp_path).get(graph="contended")
        assert entry is not None and entry["twice"] == 2 * entry["number"]
