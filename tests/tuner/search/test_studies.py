"""The journals that searches are taken up from, after whatever may have happened to them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from filelock import FileLock
from support.samples.sample_results import IDENTITY

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer
from tuner.search.search import Search
from tuner.search.studies import open_study


def evaluated(folder: Path, most: int) -> Search:
    """A search over three programs in a row, taken up where it was left, up to so many evaluations."""
    search = Search(open_study(folder, IDENTITY, seed=0), {}, seed=0)
    while search.evaluations < most:
        for candidate in search.ask(1):
            search.tell(candidate, answer_to(candidate.recipe))
            search.keep()
    return search


def answer_to(recipe: Recipe) -> Answer:
    length = len(recipe.passes)
    path = tuple(f"program {at}" for at in range(length + 1))
    return Answer(path[-1], 100 - length, path, {"fuse-transposes": f"program {length + 1}"} if length < 5 else {}, {})


def journal_in(folder: Path) -> Path:
    (journal,) = folder.glob("*.journal")
    return journal


def test_a_half_written_line_costs_itself_only(tmp_path: Path) -> None:
    evaluated(tmp_path, 2)
    journal = journal_in(tmp_path)
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole.splitlines()[-1][:40])
    assert evaluated(tmp_path, 3).evaluations == 3
    assert evaluated(tmp_path, 3).evaluations == 3, "what was appended after it can be read"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text.replace(b"recipe", b"rexipe"), id="another key"),
        pytest.param(lambda text: text[:30] + b"\xff\x00" + text[32:], id="other bytes"),
        pytest.param(lambda text: b"[]\n" + text, id="another line"),
    ],
)
def test_a_damaged_journal_is_put_aside(tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture) -> None:
    evaluated(tmp_path, 2)
    journal = journal_in(tmp_path)
    journal.write_bytes(damage(journal.read_bytes()))  # type: ignore[operator]
    assert evaluated(tmp_path, 1).evaluations == 1
    assert "damaged" in caplog.text
    assert len(list(tmp_path.glob("*.damaged"))) == 1


def test_two_searches_at_once_count_nothing_twice(tmp_path: Path) -> None:
    first, second = (Search(open_study(tmp_path, IDENTITY, seed=0), {}, seed=0) for _ in range(2))
    for search in (first, second):
        (candidate,) = search.ask(1)
        search.tell(candidate, answer_to(candidate.recipe))
        search.keep()
    assert Search(open_study(tmp_path, IDENTITY, seed=0), {}, seed=0).evaluations == 1


def test_a_lock_does_not_outlive_its_holder(tmp_path: Path) -> None:
    Search(open_study(tmp_path, IDENTITY, seed=0), {}, seed=0)
    (lock,) = tmp_path.glob("*.lock")
    child = multiprocessing.get_context("fork").Process(target=_take_and_die, args=(lock,))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert Search(open_study(tmp_path, IDENTITY, seed=0), {}, seed=0).evaluations == 0


def _take_and_die(lock: Path) -> None:
    FileLock(lock).acquire()
    os.kill(os.getpid(), signal.SIGKILL)
