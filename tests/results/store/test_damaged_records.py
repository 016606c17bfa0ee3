"""What was damaged in a store is skipped with a warning, and never offered."""

import logging

import pytest
from support.samples.damaged_store import edit
from support.samples.sample_results import BEST_OPERATORS, IDENTITY, best, evaluation

KEY = IDENTITY.key


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
