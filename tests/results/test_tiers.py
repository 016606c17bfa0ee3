"""Two stores under one roof: the user's, and one that is only read."""

import dataclasses
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support import REPOSITORY, TESTS
from support.samples.sample_results import IDENTITY, as_looked_up, best, evaluation, failed, mutated

from results.errors import StoreError
from results.lookup.lookup import Hit, Miss, Nearest, Stale, lookup
from results.records.evaluation import Simulation
from results.store.store import Store
from results.store.tiers import Tiers

OLDER = mutated(IDENTITY, ("versions", "torch"), "2.12.0")
RELATED = dataclasses.replace(IDENTITY, model_hash="b2" * 32, model_name="related")


@pytest.fixture
def tiers(where, tmp_path):
    """The system store is the one that is tried on both databases."""
    with Store.open(where):
        pass
    with Tiers.open(tmp_path / "user.sqlite", where) as tiers:
        yield tiers


def test_both_are_asked_and_the_users_entry_wins(tiers, where):
    assert lookup(tiers, IDENTITY) == Miss(IDENTITY)
    with Store.open(where) as team:
        near = team.bests.record(best(identity=RELATED))
        assert lookup(tiers, IDENTITY).best == as_looked_up(near)
        assert tiers.knows_others(IDENTITY) and not tiers.knows_others(
            mutated(IDENTITY, ("objective", "minimised"), "other")
        )
        stale = team.bests.record(best(identity=OLDER))
        assert lookup(tiers, IDENTITY).best == as_looked_up(stale)
        hit = team.bests.record(best("of the team", 50))
        assert lookup(tiers, IDENTITY) == Hit(as_looked_up(hit))
    tiers.user.bests.record(best("stale", 90, identity=OLDER))
    assert lookup(tiers, IDENTITY) == Hit(as_looked_up(hit)), "an exact one before one of the user's that is not"
    own = tiers.user.bests.record(best("of the user", 60))
    assert lookup(tiers, IDENTITY) == Hit(as_looked_up(own))
    assert lookup(tiers, OLDER).best.recipe == "stale"
    both = [one.recipe for one in tiers.similar(IDENTITY.structure, limit=2)]
    assert both == ["of the user", "stale", "of the team", "fuse-transposes"]


def test_the_users_model_of_other_sizes_gives_way_to_one_of_the_same(tiers, where):
    other_sizes = dataclasses.replace(RELATED.structure, shapes="0c" * 16)
    tiers.user.bests.record(best(identity=dataclasses.replace(RELATED, structure=other_sizes)))
    with Store.open(where) as team:
        team.bests.record(best("same sizes", identity=RELATED))
    answer = lookup(tiers, IDENTITY)
    assert isinstance(answer, Nearest) and answer.same_shapes and answer.best.recipe == "same sizes"


def test_what_turned_out_wrong_here_is_not_taken_from_the_team(tiers, where):
    with Store.open(where) as team:
        team.bests.record(best())
    tiers.user.identities.register(IDENTITY)
    tiers.user.evaluations.record(failed("fuse-transposes", "wrong"))
    assert not isinstance(lookup(tiers, IDENTITY), Hit)


def test_what_is_near_is_reported_where_the_teams_own_turned_out_wrong_here(tiers, where):
    with Store.open(where) as team:
        team.bests.record(best())
        near = team.bests.record(best("of a relative", identity=RELATED))
    tiers.user.identities.register(IDENTITY)
    tiers.user.evaluations.record(failed("fuse-transposes", "wrong"))
    assert lookup(tiers, RELATED).best.recipe == "of a relative"
    answer = lookup(tiers, IDENTITY)
    assert isinstance(answer, Nearest) and answer.best == as_looked_up(near)


def test_the_team_has_no_say_in_what_the_user_has(tiers, where):
    tiers.user.bests.record(best())
    own, both = tiers.offered(IDENTITY), tiers.offered(RELATED)
    assert len(own.marks) == 1 and len(both.marks) == 2
    assert own.marks == tuple(one.mark() for one in tiers.changes()[:1])
    assert both.marks == tuple(one.mark() for one in tiers.changes())


def test_the_users_simulations_come_with_what_the_team_has(tiers, where):
    with Store.open(where) as team:
        team.bests.record(best())
    tiers.user.identities.register(IDENTITY)
    tiers.user.evaluations.record(evaluation("fuse-transposes"))
    one = Simulation(IDENTITY.key, "fuse-transposes", "FVP", "aa" * 32, 91)
    tiers.user.simulations.record(one)
    assert tiers.offered(IDENTITY).simulated == (one,)


def test_a_damaged_entry_of_the_team_is_skipped(tiers, where, caplog):
    with Store.open(where) as team:
        team.bests.record(best())
        team.bests.record(best("older", identity=OLDER))
        with team.database.write() as connection:
            connection.exec_driver_sql("UPDATE evaluations SET recipe = 'foreign' WHERE id = 2")
    with caplog.at_level(logging.WARNING):
        answer = lookup(tiers, IDENTITY)
    assert isinstance(answer, Stale) and answer.best.recipe == "older"
    assert "skipped best" in caplog.text


def test_the_system_store_cannot_be_written(tiers, where):
    with Store.open(where, read_only=True) as system, pytest.raises(StoreError, match="cannot be written"):
        system.bests.record(best())
    with Store.open(where) as team:
        assert team.bests.all() == []


def test_a_store_without_a_schema_is_no_system_store(where, tmp_path, caplog):
    if isinstance(where, Path):
        where.parent.mkdir()
        where.touch()
    with pytest.raises(StoreError, match="not a velatune store"):
        Store.open(where, read_only=True)
    with caplog.at_level(logging.WARNING), Tiers.open(tmp_path / "user.sqlite", where) as tiers:
        own = tiers.user.bests.record(best())
        assert lookup(tiers, IDENTITY) == Hit(as_looked_up(own))
    assert "the system store is left out" in caplog.text


def test_a_store_of_another_version_is_no_system_store(where):
    with Store.open(where) as team, team.database.write() as connection:
        connection.exec_driver_sql("UPDATE velatune_version SET version_num = '9000'")
    with pytest.raises(StoreError, match="schema 9000"):
        Store.open(where, read_only=True)


@pytest.mark.parametrize(
    "system", ["absent.sqlite", "notes.txt", "postgresql://user:secret@127.0.0.1:1/name", "mysql://x"]
)
def test_what_cannot_be_opened_is_left_out(system, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("these are my notes, and they are long enough to be taken for a database\n" * 50)
    with caplog.at_level(logging.WARNING), Tiers.open("user.sqlite", system) as tiers:
        assert lookup(tiers, IDENTITY) == Miss(IDENTITY)
    assert "the system store is left out" in caplog.text and "secret" not in caplog.text
    assert not Path("absent.sqlite").exists()


def test_a_team_whose_database_goes_away_is_left_out(tmp_path, caplog):
    team = tmp_path / "team.sqlite"
    with Store.open(team) as store:
        store.bests.record(best())
    with Tiers.open(tmp_path / "user.sqlite", team) as tiers:
        assert isinstance(lookup(tiers, IDENTITY), Hit)
        with Store.open(team) as store, store.database.write() as connection:
            connection.exec_driver_sql("DROP TABLE claims")
        with caplog.at_level(logging.WARNING):
            assert isinstance(lookup(tiers, IDENTITY), Miss)
            assert isinstance(lookup(tiers, IDENTITY), Miss)
    assert caplog.text.count("the system store is left out") == 1


READS = """
import os, sys
sys.path[:0] = {path!r}
from support.samples.sample_results import IDENTITY, best
from results.store.store import Store
with Store.open(":memory:") as store:  # imports all: what follows need not be able to read this program
    store.bests.record(best())
    store.lookups.offered(IDENTITY)
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
with Store.open(sys.argv[1], read_only=True) as store:
    print(store.lookups.offered(IDENTITY).best.recipe)
"""


def test_a_store_that_is_shipped_in_a_folder_nobody_may_write_to():
    """Its file is in SQLite's WAL mode, which wants to write beside it even to read."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to other users
        shipped = Path(folder) / "a # store?.sqlite"
        with Store.open(shipped) as store:
            store.bests.record(best())
        shipped.chmod(0o444)
        Path(folder).chmod(0o555)
        code = READS.format(path=[str(TESTS), str(REPOSITORY)])
        process = subprocess.run([sys.executable, "-c", code, str(shipped)], capture_output=True, text=True)
        Path(folder).chmod(0o755)
        assert process.stdout == "fuse-transposes\n", process.stderr


def test_evaluations_stay_with_the_user(tiers, where):
    tiers.user.identities.register(IDENTITY)
    tiers.user.evaluations.record(evaluation("a"))
    with Store.open(where) as team:
        assert team.evaluations.counts(IDENTITY.key) == (0, 0)
