"""The store, on SQLite and on PostgreSQL: what it keeps, what it refuses, many processes, sudden death."""

import dataclasses
import itertools
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support import REPOSITORY, TESTS
from support.samples.sample_results import (
    BEST_OPERATORS,
    IDENTITY,
    as_looked_up,
    best,
    evaluation,
    failed,
    figures,
    mutated,
)

from results.errors import StoreError
from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.figures import Quality
from results.records.identity import Identity, Structure
from results.records.precedence import weight
from results.store.database import schema
from results.store.database.connect import connect, store_url, writer_of
from results.store.database.tables import VERSION_TABLE, metadata
from results.store.store import Store

KEY = IDENTITY.key


@pytest.fixture
def store(where: Path | str):
    with Store.open(where) as store:
        store.identities.register(IDENTITY)
        yield store


def edit(where: Path | str, statement: str) -> bool:
    """Damage a store behind its back; whether the database lets that happen. SQLite does, as a broken file would."""
    if isinstance(where, Path):
        connection = sqlite3.connect(where)
        connection.execute("PRAGMA ignore_check_constraints=ON")
        connection.execute(statement)
        connection.commit()
        connection.close()
        return True
    engine = connect(store_url(where))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    except DBAPIError:
        return False
    finally:
        engine.dispose()
    return True


# What it keeps


def test_evaluations_come_back_as_they_were(store, where):
    made = [
        evaluation("default", operators=BEST_OPERATORS),
        evaluation("a | b{x=1,y=2}", 70, verified=False),
        failed("c", "crashed", program_hash="", attempts=2),
        failed("d", "wrong", figures=best().best.figures),
    ]
    assert all(store.evaluations.record(one) for one in made)
    with Store.open(where) as again:
        assert again.evaluations.of(KEY) == made
        assert again.evaluations.get(KEY, "a | b{x=1,y=2}") == made[1]
        assert again.evaluations.get(KEY, "never") is None


def test_candidate_is_counted_once(store):
    for _ in range(3):
        for recipe in ("default", "a", "b"):
            store.evaluations.record(evaluation(recipe, program_hash="same" if recipe == "b" else recipe))
        store.evaluations.record(evaluation("c", program_hash="same"))
        store.evaluations.record(failed("d", "refused", program_hash=""))
    # d came to no program, b and c to the same one.
    assert store.evaluations.counts(KEY) == (5, 3)


def test_evaluation_of_an_unknown_identity_is_refused(store):
    with pytest.raises(StoreError, match="register"):
        store.evaluations.record(evaluation("a", identity=mutated(IDENTITY, ("objective", "minimised"), "other")))


def test_last_name_of_a_model_is_kept(store):
    store.bests.record(best())
    store.identities.register(dataclasses.replace(IDENTITY, model_name="renamed"))
    assert store.bests.get(KEY).identity.model_name == "renamed"


RECORDS = [
    failed("r", "timed out"),
    failed("r", "crashed", attempts=2),
    failed("r", "crashed", attempts=3),
    failed("r", "refused"),
    evaluation("r", verified=False),
    evaluation("r"),
    evaluation("r", operators=BEST_OPERATORS),
    evaluation("r", check={"whole": True}),
    evaluation("r", check={"whole": True}, operators=BEST_OPERATORS),
    failed("r", "wrong"),
    failed("r", "wrong", operators=BEST_OPERATORS),
]


def another(number: int) -> Identity:
    """As good as a new store."""
    return mutated(IDENTITY, ("model_hash",), str(number))


def test_weightier_record_stays(store):
    for number, (old, new) in enumerate(itertools.permutations(RECORDS, 2)):
        identity = another(number)
        store.identities.register(identity)
        first, second = (dataclasses.replace(record, identity_key=identity.key) for record in (old, new))
        store.evaluations.record(first)
        assert store.evaluations.record(second) == (RECORDS.index(new) > RECORDS.index(old))
        heavier = max(old, new, key=RECORDS.index)
        assert store.evaluations.of(identity.key) == [dataclasses.replace(heavier, identity_key=identity.key)]


def test_order_of_arrival_does_not_matter(store):
    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.sampled_from(RECORDS), min_size=1))
    def check(arriving: list[Evaluation]) -> None:
        identity = another(next(number))
        store.identities.register(identity)
        for record in arriving:
            store.evaluations.record(dataclasses.replace(record, identity_key=identity.key))
        assert weight(store.evaluations.get(identity.key, "r")) == max(map(weight, arriving))

    number = itertools.count()
    check()


def test_other_figures_under_the_same_identity_are_reported(store, caplog):
    store.evaluations.record(evaluation("a", 70))
    with caplog.at_level(logging.WARNING):
        store.evaluations.record(evaluation("a", 71))
    assert "71" in caplog.text and "70" in caplog.text
    assert store.evaluations.get(KEY, "a").figures.cycles == 70


def test_reason_may_hold_anything_a_dying_compiler_writes(store):
    store.evaluations.record(failed("a", "crashed", reason="half \udc80 and \0 and 'quotes'; DROP TABLE"))
    assert store.evaluations.get(KEY, "a").reason == "half ? and \ufffd and 'quotes'; DROP TABLE"


# Bests


def test_best_comes_back_as_it_was(store, where):
    made = best()
    assert store.bests.record(made) == made
    with Store.open(where) as again:
        assert again.bests.get(KEY) == made
        assert again.bests.all() == [made]
        assert again.evaluations.counts(KEY) == (2, 2)
        assert again.bests.get("0" * 64) is None


def test_default_may_be_the_best(store):
    default = evaluation("default")
    assert store.bests.record(best("default", 100, default=default, best=default)).recipe == "default"


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        (best(best=evaluation("fuse-transposes", 60, verified=False)), "not verified"),
        (best(best=failed("fuse-transposes", "wrong", figures=best().best.figures)), "wrong"),
        (best(best=failed("fuse-transposes", "crashed")), "crashed"),
        (best(default=failed("default", "refused")), "default"),
        (best(cycles=101), "more cycles"),
        (best(best=evaluation("something-else", 60)), "something-else"),
        (best(best=evaluation("fuse-transposes", 60, mutated(IDENTITY, ("objective", "minimised"), "x"))), "belong"),
    ],
)
def test_unfit_best_is_refused(store, unfit, why):
    store.bests.record(best("sound", 80))
    before = store.evaluations.of(KEY)
    with pytest.raises(StoreError, match=why):
        store.bests.record(unfit)
    assert store.bests.get(KEY).recipe == "sound"
    assert store.evaluations.of(KEY) == before


def test_candidate_known_to_be_wrong_cannot_become_best(store):
    store.evaluations.record(failed("fuse-transposes", "wrong"))
    with pytest.raises(StoreError, match="wrong"):
        store.bests.record(best())
    assert store.bests.get(KEY) is None
    assert store.evaluations.counts(KEY) == (1, 1), "nothing of the refused best is stored"


def test_best_that_turns_out_wrong_is_taken_back(store, caplog):
    store.bests.record(best())
    with caplog.at_level(logging.WARNING):
        store.evaluations.record(failed("fuse-transposes", "wrong"))
    assert store.bests.get(KEY) is None
    assert "fuse-transposes" in caplog.text
    assert store.bests.record(best("second", 90)).recipe == "second"


ARRIVING = [("a,b", 70, 1), ("longer-name", 70, 9), ("lean", 70, 5), ("c", 80, 1), ("more", 70, 5)]


def test_cheaper_best_wins_in_any_order(store):
    """Of equals the recipe with fewer elements, then the one that needs less SRAM, then the first by its text."""
    for number, order in enumerate(itertools.permutations(ARRIVING)):
        identity = another(number)
        for recipe, cycles, sram_bytes in order:
            one = evaluation(recipe, identity=identity, figures=figures(cycles, sram_bytes=sram_bytes))
            stored = store.bests.record(best(recipe, cycles, identity, best=one))
        assert stored.recipe == store.bests.get(identity.key).recipe == "lean"


def test_same_best_again_updates_the_account_of_the_search(store):
    store.bests.record(best(status="interrupted", evaluations=5, distinct=3, seconds=1.0))
    store.bests.record(best(evaluations=50, distinct=30, seconds=9.0))
    assert (store.bests.get(KEY).evaluations, store.bests.get(KEY).status) == (50, "exhausted")


# Similar models


SIMILAR = {
    "another resolution": Structure("0a" * 16, "0c" * 16),
    "another training": Structure("0a" * 16, "0b" * 16),
    "another network": Structure("0d" * 16, "0e" * 16),
    "nobody lowered it": None,
}


def test_similar_models_are_found_by_structure_the_same_shapes_first(store):
    def known(name: str, *changes: tuple[tuple[str, ...], str]) -> Best:
        identity = dataclasses.replace(IDENTITY, model_hash=name, model_name=name, structure=SIMILAR[name])
        for path, value in changes:
            identity = mutated(identity, path, value)
        return store.bests.record(best(identity=identity))

    for name in SIMILAR:
        known(name)
    newer = known("another training", (("versions", "torch"), "3"))
    elsewhere = known("another training", (("target", "name"), "ethos-u55-256"))

    def found(**more: object) -> list[str]:
        return [one.identity.model_name for one in store.lookups.similar(IDENTITY.structure, **more)]

    names = ["another training", "another training", "another resolution"]
    assert found(target=IDENTITY.target) == names
    assert store.lookups.similar(IDENTITY.structure, IDENTITY.target)[0] == as_looked_up(newer)
    assert store.lookups.similar(IDENTITY.structure, limit=1) == [as_looked_up(elsewhere)]
    assert found(objective={"minimised": "other"}) == found(io_layout="nhwc") == []
    assert len(found()) == 4
    assert found(target=mutated(IDENTITY, ("target", "facts", "memory_mode"), "other").target) == []


def test_structure_is_told_later(store):
    lowered = dataclasses.replace(IDENTITY, model_hash="b2" * 32)
    identified = dataclasses.replace(lowered, structure=None)
    store.bests.record(best(identity=identified))
    assert store.lookups.similar(lowered.structure) == []
    store.identities.register(lowered)
    assert [one.identity for one in store.lookups.similar(lowered.structure)] == [lowered]
    store.identities.register(identified)
    assert store.bests.get(lowered.key).identity == lowered, "what is known stays known"


# Damage


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE evaluations SET recipe = 'b-ut-other' WHERE recipe = 'b'",
        "UPDATE evaluations SET recipe = CAST(x'ff62' AS TEXT) WHERE recipe = 'b'",
        "UPDATE evaluations SET check_json = '{\"inputs\": [' WHERE recipe = 'b'",
        "UPDATE evaluations SET cycles = 'many' WHERE recipe = 'b'",
        "UPDATE evaluations SET cycles = -1 WHERE recipe = 'b'",
        "UPDATE evaluations SET metrics_json = NULL WHERE recipe = 'b'",
        "UPDATE evaluations SET verified = 'perhaps' WHERE recipe = 'b'",
        "UPDATE evaluations SET status = 'great' WHERE recipe = 'b'",
        "UPDATE evaluations SET reason = x'0001' WHERE recipe = 'b'",
        "UPDATE evaluations SET label = 'guessed' WHERE recipe = 'b'",
        "UPDATE operator_tables SET rows_json = '[[1]]' WHERE evaluation_id = 2",
        "UPDATE operator_tables SET rows_json = '7' WHERE evaluation_id = 2",
    ],
)
def test_damaged_evaluation_is_skipped_and_heals(store, where, caplog, damage):
    made = [evaluation(recipe, operators=BEST_OPERATORS) for recipe in "abc"]
    for one in made:
        store.evaluations.record(one)
    if not edit(where, damage):
        assert store.evaluations.of(KEY) == made
        return
    with caplog.at_level(logging.WARNING):
        assert store.evaluations.of(KEY) == [made[0], made[2]]
    assert "evaluation 2" in caplog.text
    assert store.evaluations.record(made[1])
    assert store.evaluations.of(KEY) == made


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE identities SET objective = 'x'",
        "UPDATE targets SET facts = '{}'",
        "UPDATE toolchains SET versions = '{}'",
        "UPDATE models SET hash = 'another model'",
        "UPDATE bests SET status = 'somehow'",
        "UPDATE bests SET evaluations = 'lots'",
        "UPDATE bests SET best_evaluation_id = 77",
        "UPDATE evaluations SET verified = 0 WHERE recipe = 'fuse-transposes'",
        "UPDATE evaluations SET cycles = NULL WHERE recipe = 'default'",
        "UPDATE evaluations SET recipe = 'foreign' WHERE recipe = 'fuse-transposes'",
        "UPDATE evaluations SET program_hash = CAST('x' AS BLOB) WHERE recipe = 'default'",
        "UPDATE evaluations SET quality_json = '{}' WHERE recipe = 'fuse-transposes'",
        "UPDATE evaluations SET exactness = 'nearly' WHERE recipe = 'fuse-transposes'",
        "UPDATE evaluations SET seconds = 'long' WHERE recipe = 'default'",
        "UPDATE evaluations SET created = CAST('x' AS BLOB) WHERE recipe = 'fuse-transposes'",
        "UPDATE evaluations SET verified = 'perhaps' WHERE recipe = 'default'",
        "UPDATE evaluations SET label = 'guessed' WHERE recipe = 'fuse-transposes'",
    ],
)
def test_damaged_best_is_never_offered(store, where, caplog, damage):
    store.bests.record(best())
    if not edit(where, damage):
        assert store.bests.get(KEY) is not None
        return
    with caplog.at_level(logging.WARNING):
        assert store.bests.get(KEY) is None
        assert store.bests.all() == []
        assert store.lookups.offered(IDENTITY).best is None
    assert "skipped" in caplog.text


def test_a_damaged_identity_is_not_found(store, where, caplog):
    store.evaluations.record(evaluation("a"))
    edit(where, "UPDATE toolchains SET versions = '{}'")
    with caplog.at_level(logging.WARNING):
        assert store.identities.get(KEY) is None
    assert f"identity {KEY}" in caplog.text


# The schema


def test_migrations_lead_to_the_tables_of_the_code(store, where):
    engine = connect(store_url(where))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


VELAS_OWN = "720a0f002b869c02a94a59d88c3392827fbb87419257ff8272bc4edeaca33172"
OLD_MEASUREMENT = {
    "device": "kit", "label": "measured", "program": "net.pte", "program_sha256": "a1" * 32, "cycles": 100,
    "predicted_cycles": 110, "model_version": "3", "parts": [], "board_facts": "", "compiler_cycles": None,
    "source": "", "created": "2026",
}  # fmt: skip


def test_measurements_outlive_the_schema_in_which_targets_had_columns(where):
    engine = connect(store_url(where))
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")).replace("%", "%%"))
    with writer_of(engine).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "4")
        for number, config_sha256 in enumerate((VELAS_OWN, "d0" * 32), 1):
            target = {
                "accelerator": "ethos-u55-128", "system_config": "System", "memory_mode": "Mode",
                "vela_config_sha256": config_sha256,
            }  # fmt: skip
            columns = ", ".join(f":{name}" for name in target)
            connection.execute(text(f"INSERT INTO targets VALUES (:id, {columns})"), {"id": number, **target})
            record = json.dumps({**OLD_MEASUREMENT, "target": target})
            values = {"id": number, "key": f"k{number}", "target_id": number, "label": "measured", "record": record}
            connection.execute(text("INSERT INTO measurements VALUES (:id, :key, :target_id, :label, :record)"), values)
    engine.dispose()
    with Store.open(where) as store:
        found = store.measurements.all()
        assert [one.target.facts["vela_config"] for one in found] == ["Arm/vela.ini", "sha256 " + "d0" * 32]
        assert {(one.target.family, one.target.name) for one in found} == {("ethos-u", "ethos-u55-128")}
        assert store.measurements.record_all(found) == 0, "they have the keys that they would be given today"
        assert store.bests.all() == []


def test_what_is_not_exact_is_kept_with_its_quality_and_offered_only_within_the_limit(store):
    quality = Quality(30.25, 30.5, 4, 0.9, 0.92)
    near = evaluation("host-pool=any", 60, exactness="requantising", quality=quality)
    assert not near.bit_exact and store.bests.record(best(near.recipe, best=near)).best == near
    assert store.evaluations.get(KEY, near.recipe) == near
    far = dataclasses.replace(quality, sqnr_db=20.0, shortfall="too far")
    with pytest.raises(ValueError, match="falls short"):
        evaluation("x", exactness="requantising", quality=far)
    with pytest.raises(ValueError, match="without its quality"):
        evaluation("x", exactness="requantising")
    with pytest.raises(StoreError, match="not verified"):
        beyond = evaluation("x", 50, exactness="requantising", quality=far, verified=False)
        store.bests.record(best("x", best=beyond))


# Many processes


WRITER = """
import sys
sys.path[:0] = {path!r}
from support.samples.sample_results import IDENTITY, best, evaluation
from results.store.store import Store

where, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sys.stdin.readline()  # all start at once
with Store.open(where) as store:
    store.identities.register(IDENTITY)
    for number in range(first, last):
        recipe = f"pass-{{number}}"
        one = evaluation(recipe, max(100 - number, 0), program_hash=f"p{{number % 7}}")
        store.evaluations.record(one)
        print(recipe, flush=True)
    store.bests.record(best(recipe, best=one))
"""


def writer(where: Path | str, first: int, last: int) -> subprocess.Popen[str]:
    """A process that records candidates and says so after each one; it starts at a line on its input."""
    code = WRITER.format(path=[str(TESTS), str(REPOSITORY)])
    command = [sys.executable, "-c", code, str(where), str(first), str(last)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


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


def test_lists_say_where_the_default_is_wrong(store):
    wrong = evaluation("default", 50, status="wrong", reason="191 of 192 values differ", verified=False)
    store.bests.record(best(default=wrong, best=evaluation("copies", 60), recipe="copies"))
    (line,), total = store.listings.newest("", "", 10, 0)
    assert (line.default_status, line.default_cycles, line.best_cycles, total) == ("wrong", 50, 60, 1)
