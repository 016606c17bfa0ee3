"""Lookup: a hit only for exactly the same identity; stale for another toolchain; a miss for anything else."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_results import IDENTITY, KEY_FIELDS, best, evaluation, failed, mutated

from results.lookup import Hit, Miss, Stale, lookup
from results.records import Identity
from results.store import Store

TOOLCHAIN = [path for path in KEY_FIELDS if path[0] in ("versions", "search_space_version")]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store:
        yield store


def test_nothing_known(store):
    assert lookup(store, IDENTITY) == Miss(IDENTITY)


def test_evaluations_without_a_best_are_a_miss(store):
    store.register(IDENTITY)
    store.record_evaluation(evaluation("default"))
    assert lookup(store, IDENTITY) == Miss(IDENTITY)
    assert store.counts(IDENTITY.key) == (1, 1), "a lookup evaluates nothing"


def test_hit_whatever_the_model_is_called(store):
    known = store.set_best(best())
    assert lookup(store, dataclasses.replace(IDENTITY, model_name="another name")) == Hit(known)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    path=st.sampled_from(KEY_FIELDS), value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
)
def test_every_field_turns_a_hit_into_stale_or_miss(store, path, value):
    known = store.set_best(best())
    asked = mutated(IDENTITY, path, value)
    answer = lookup(store, asked)
    if asked == IDENTITY:
        assert answer == Hit(known)
    elif path in TOOLCHAIN:
        assert isinstance(answer, Stale) and answer.best == known
        assert [name for name, _, now in answer.differences if now == value] == [path[-1]]
    else:
        assert answer == Miss(asked)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(KEY_FIELDS), st.sampled_from("abc")), max_size=3))
def test_what_is_stored_for_others_is_never_a_hit(store, changes):
    other: Identity = IDENTITY
    for path, value in changes:
        other = mutated(other, path, value)
    store.set_best(best(identity=other))
    answer = lookup(store, IDENTITY)
    assert isinstance(answer, Hit) == (store.best(IDENTITY.key) is not None)
    if isinstance(answer, Hit):
        assert answer.best.identity == IDENTITY


def test_closest_toolchain_is_preferred_then_the_newest(store):
    def known_under(*changes):
        identity = IDENTITY
        for path, value in changes:
            identity = mutated(identity, path, value)
        return store.set_best(best(identity=identity))

    vela, torch, space = ("versions", "ethos_u_vela"), ("versions", "torch"), ("search_space_version",)
    known_under((vela, "5.0.0"), (torch, "2.12.0"))
    assert lookup(store, IDENTITY).reason == "found with torch 2.12.0 (now 2.13.0), ethos_u_vela 5.0.0 (now 5.1.0)"
    known_under((space, "0"))
    newest = known_under((vela, "5.0.0"))
    known_under((vela, "4.0.0"), (space, "0"))
    assert lookup(store, IDENTITY) == Stale(newest, (("ethos_u_vela", "5.0.0", "5.1.0"),))


def test_stale_best_that_turned_out_wrong_is_not_told(store):
    old = mutated(IDENTITY, ("versions", "ethos_u_vela"), "5.0.0")
    store.set_best(best(identity=old))
    store.record_evaluation(failed("fuse-transposes", "wrong", identity=old))
    assert lookup(store, IDENTITY) == Miss(IDENTITY)
