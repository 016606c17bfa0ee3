"""Lookup answers a hit only for exactly the same identity. Another toolchain is stale, another model of the same
structure is nearest, and anything else is a miss."""

import dataclasses
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.samples.sample_results import IDENTITY, KEY_FIELDS, as_looked_up, best, evaluation, failed, mutated, paths

from results.lookup.answer_json import lookup_json
from results.lookup.lookup import Hit, Miss, Nearest, Stale, lookup
from results.records.evaluation import Simulation
from results.records.identity import NOT_IN_KEY, Identity, Structure
from results.reports.brief import brief
from results.store.database.tables import models
from results.store.store import Store

TOOLCHAIN = [path for path in KEY_FIELDS if path[0] in ("versions", "search_space_version")]
#: What the model is; the rest is what it is for.
MODEL = [path for path in KEY_FIELDS if path[0] in ("model_hash", "quantisation")]


@pytest.fixture
def store(where):
    with Store.open(where) as store:
        yield store


def test_nothing_known(store):
    assert lookup(store.lookups, IDENTITY) == Miss(IDENTITY)


def test_evaluations_without_a_best_are_a_miss(store):
    store.identities.register(IDENTITY)
    store.evaluations.record(evaluation("default"))
    assert lookup(store.lookups, IDENTITY) == Miss(IDENTITY)
    assert store.evaluations.counts(IDENTITY.key) == (1, 1), "a lookup evaluates nothing"


def test_hit_whatever_the_model_is_called(store):
    known = as_looked_up(store.bests.record(best()))
    assert lookup(store.lookups, dataclasses.replace(IDENTITY, model_name="another name", structure=None)) == Hit(known)


def test_every_field_is_in_the_key_or_known_not_to_be():
    assert {path[0] for path in paths(IDENTITY)} - {path[0] for path in KEY_FIELDS} == set(NOT_IN_KEY)
    assert {field.name for field in dataclasses.fields(Identity)} == {path[0] for path in paths(IDENTITY)}


values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


def report(path: tuple[str, ...]) -> str:
    """How a difference in a field of an identity is named."""
    return " ".join(path) if path[0] in ("quantisation", "objective") else path[-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=st.sampled_from(KEY_FIELDS), value=values, lowered=st.booleans())
def test_no_field_may_change_and_the_answer_stay_a_hit(store, path, value, lowered):
    known = as_looked_up(store.bests.record(best()))
    asked = mutated(IDENTITY, path, value)
    answer = lookup(store.lookups, asked if lowered else dataclasses.replace(asked, structure=None))
    if asked == IDENTITY:
        assert answer == Hit(known)
    elif path in TOOLCHAIN:
        assert isinstance(answer, Stale) and answer.best == known
        assert [(name, now) for name, _, now in answer.differences] == [(report(path), value)]
    elif path in MODEL and lowered:
        assert isinstance(answer, Nearest) and answer.best == known and answer.same_shapes
        assert [(name, now) for name, _, now in answer.differences] == [(report(path), value)]
    else:
        assert isinstance(answer, Miss) and answer.identity.key == asked.key


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(KEY_FIELDS), st.sampled_from("abc")), max_size=3))
def test_what_is_stored_for_others_is_never_a_hit(store, changes):
    other: Identity = IDENTITY
    for path, value in changes:
        other = mutated(other, path, value)
    store.bests.record(best(identity=other))
    answer = lookup(store.lookups, IDENTITY)
    assert isinstance(answer, Hit) == (store.bests.get(IDENTITY.key) is not None)
    if isinstance(answer, Hit):
        assert answer.best.identity == IDENTITY


def test_a_default_that_is_wrong_is_reported(store):
    wrong = evaluation("default", 50, status="wrong", reason="191 of 192 values differ", verified=False)
    store.bests.record(best(default=wrong, best=evaluation("copies", 60), recipe="copies"))
    answer = lookup(store.lookups, IDENTITY)
    assert isinstance(answer, Hit) and answer.best.default_fault == "191 of 192 values differ"
    assert "20.0 % more than the default, which computes wrong outputs" in brief(answer.best)
    assert lookup_json(answer, IDENTITY.key)["best"]["default_fault"] == "191 of 192 values differ"


def test_closest_toolchain_is_preferred_then_the_newest(store):
    def known_under(*changes):
        identity = IDENTITY
        for path, value in changes:
            identity = mutated(identity, path, value)
        return store.bests.record(best(identity=identity))

    vela, torch, space = ("versions", "ethos-u-vela"), ("versions", "torch"), ("search_space_version",)
    known_under((vela, "5.0.0"), (torch, "2.12.0"))
    assert (
        lookup(store.lookups, IDENTITY).reason == "found with ethos-u-vela 5.0.0 (now 5.1.0), torch 2.12.0 (now 2.13.0)"
    )
    known_under((space, "0"))
    newest = as_looked_up(known_under((vela, "5.0.0")))
    known_under((vela, "4.0.0"), (space, "0"))
    assert lookup(store.lookups, IDENTITY) == Stale(newest, (("ethos-u-vela", "5.0.0", "5.1.0"),))


def asked(store, monkeypatch, identity):
    """The answer, and how many statements it took."""
    run, texts = store.database.fast_reads._run, []
    monkeypatch.setattr(store.database.fast_reads, "_run", lambda text, values: texts.append(text) or run(text, values))
    answer = lookup(store.lookups, identity)
    monkeypatch.undo()
    return answer, len(texts)


def test_a_question_is_one_statement_whatever_the_answer(store, monkeypatch):
    assert asked(store, monkeypatch, IDENTITY) == (Miss(IDENTITY), 1)
    for number in range(5):
        store.bests.record(best(identity=other_model(f"model {number}", RESIZED)))
    assert isinstance((found := asked(store, monkeypatch, IDENTITY))[0], Nearest) and found[1] == 1
    store.bests.record(best(identity=mutated(IDENTITY, ("versions", "torch"), "2.12.0")))
    assert isinstance((found := asked(store, monkeypatch, IDENTITY))[0], Stale) and found[1] == 1
    own = store.bests.record(best())
    assert asked(store, monkeypatch, IDENTITY) == (Hit(as_looked_up(own)), 1)


def test_simulations_of_what_is_offered_come_with_it(store):
    store.bests.record(best())
    assert store.lookups.offered(IDENTITY).simulated == ()
    one = Simulation(IDENTITY.key, "fuse-transposes", "FVP", "aa" * 32, 91)
    store.simulations.record(one)
    assert store.lookups.offered(IDENTITY).simulated == (one,)
    retrained = other_model("retrained")
    assert store.lookups.offered(retrained).near is not None and store.lookups.offered(retrained).simulated == (one,)


def test_a_mark_holds_until_something_is_committed(store):
    marks = store.lookups.offered(IDENTITY).marks
    assert marks == (store.database.changes.mark(),) == store.lookups.offered(IDENTITY).marks != (None,)
    with store.database.read() as connection:
        connection.execute(select(models.c.id)).all()
    assert store.lookups.offered(IDENTITY).marks == marks, "reading is no change"
    store.bests.record(best())
    changed = store.lookups.offered(IDENTITY).marks
    assert changed != marks and changed == (store.database.changes.mark(),)


def test_all_versions_are_known(store):
    for number in range(7):
        store.bests.record(best(identity=mutated(IDENTITY, ("versions", "torch"), f"2.{number}.0")))
    own = store.bests.record(best())
    known = store.lookups.known(IDENTITY)
    assert known[0] == as_looked_up(own)
    assert [one.identity.versions["torch"] for one in known[1:]] == [f"2.{number}.0" for number in reversed(range(7))]


def test_stale_best_that_turned_out_wrong_is_not_reported(store):
    old = mutated(IDENTITY, ("versions", "ethos-u-vela"), "5.0.0")
    store.bests.record(best(identity=old))
    store.evaluations.record(failed("fuse-transposes", "wrong", identity=old))
    assert lookup(store.lookups, IDENTITY) == Miss(IDENTITY)


RESIZED = Structure(IDENTITY.structure.operators, "0c" * 16)


def other_model(name: str, structure: Structure | None = IDENTITY.structure, **changes: str) -> Identity:
    return dataclasses.replace(IDENTITY, model_hash=name, model_name=name, structure=structure, **changes)


def test_nearest_is_of_the_same_sizes_then_of_the_same_versions_then_the_newest(store):
    store.bests.record(best(identity=other_model("other operators", Structure("0f" * 16, "0e" * 16))))
    store.bests.record(best(identity=other_model("never lowered", None)))
    assert lookup(store.lookups, IDENTITY) == Miss(IDENTITY)
    store.bests.record(best(identity=other_model("resized", RESIZED)))
    found = lookup(store.lookups, IDENTITY)
    assert found.reason == "found for resized, of the same operators with other sizes"
    store.bests.record(best(identity=other_model("older versions", search_space_version="0")))
    found = lookup(store.lookups, IDENTITY)
    assert found.reason == (
        "found for older versions, of the same operators and sizes; with search_space_version 0 (now 1)"
    )
    for name in ("retrained", "retrained again"):
        store.bests.record(best(identity=other_model(name)))
    assert lookup(store.lookups, IDENTITY).best.identity.model_name == "retrained again"
    stale = store.bests.record(best(identity=mutated(IDENTITY, ("versions", "torch"), "2.12.0")))
    assert lookup(store.lookups, IDENTITY) == Stale(as_looked_up(stale), (("torch", "2.12.0", "2.13.0"),))


def test_a_damaged_entry_gives_way_to_the_next(store, caplog):
    for torch in ("2.10.0", "2.11.0", "2.12.0"):
        store.bests.record(best(identity=mutated(IDENTITY, ("versions", "torch"), torch)))
    store.bests.record(best())
    assert isinstance(lookup(store.lookups, IDENTITY), Hit)
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE bests SET evaluations = -1 WHERE identity_id IN (1, 3, 4)")
    with caplog.at_level(logging.WARNING):
        assert lookup(store.lookups, IDENTITY).differences == (("torch", "2.11.0", "2.13.0"),)
    assert caplog.text.count("skipped best of identity") == 2, "the one after them was not looked at"


def test_an_evaluation_of_another_identity_is_never_handed_out(store, caplog):
    store.bests.record(best(identity=other_model("another", None)))
    store.bests.record(best())
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE bests SET best_evaluation_id = 2 WHERE identity_id = 2")
    with caplog.at_level(logging.WARNING):
        assert isinstance(lookup(store.lookups, IDENTITY), Miss)
        assert store.bests.get(IDENTITY.key) is None
    assert "an evaluation that it names is missing or of another identity" in caplog.text


@pytest.mark.parametrize("where", ["postgresql"], indirect=True)
def test_lookups_outlive_their_connections(store):
    assert lookup(store.lookups, IDENTITY) == Miss(IDENTITY)
    with store.database.write() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
        connection.exec_driver_sql(f"{others} AND datname = current_database()")
    assert lookup(store.lookups, IDENTITY) == Miss(IDENTITY), "as after a restart of the server"
