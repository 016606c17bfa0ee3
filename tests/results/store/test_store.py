"""The store, on SQLite and on PostgreSQL: what it keeps, what it refuses, and what its bests are."""

import dataclasses
import itertools
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
from results.store.store import Store

KEY = IDENTITY.key


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


@pytest.mark.parametrize(("held", "stored"), [(70, "tied"), (75, "tied"), (69, "held")])
def test_a_best_that_is_tied_with_the_cheapest_candidate_replaces_what_is_no_cheaper(store, held, stored):
    """A search stores the best so far as it goes, which need not be the cheapest candidate in the end."""
    store.bests.record(best("held", held, status="interrupted"))
    assert store.bests.record(best("tied", 90), tied_with=70).recipe == stored


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


def test_structure_is_reported_later(store):
    lowered = dataclasses.replace(IDENTITY, model_hash="b2" * 32)
    identified = dataclasses.replace(lowered, structure=None)
    store.bests.record(best(identity=identified))
    assert store.lookups.similar(lowered.structure) == []
    store.identities.register(lowered)
    assert [one.identity for one in store.lookups.similar(lowered.structure)] == [lowered]
    store.identities.register(identified)
    assert store.bests.get(lowered.key).identity == lowered, "what is known stays known"


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


def test_lists_say_where_the_default_is_wrong(store):
    wrong = evaluation("default", 50, status="wrong", reason="191 of 192 values differ", verified=False)
    store.bests.record(best(default=wrong, best=evaluation("copies", 60), recipe="copies"))
    (line,), total = store.listings.newest("", "", 10, 0)
    assert (line.default_status, line.default_cycles, line.best_cycles, total) == ("wrong", 50, 60, 1)
