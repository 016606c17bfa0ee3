"""Bests of two stores are the same only where default and best cost the same in both."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.samples.sample_results import IDENTITY, evaluation

from benchmarks.store.same_bests import Found, compared, main, rename
from results.records.best import Best
from results.records.identity import Identity
from results.store.store import Store


def best_of(identity: Identity, recipe: str, cycles: int, default: int = 100) -> Best:
    return Best(
        identity, evaluation("default", default, identity), evaluation(recipe, cycles, identity), recipe,
        evaluations=2, distinct=2, seconds=1.0, status="trials", seed=0,
    )  # fmt: skip


#: After a change of velatune: another model hash and other versions do not matter, the name and the target do.
NOW = replace(IDENTITY, search_space_version="2", model_hash="b2" * 32)
OTHER = replace(IDENTITY, model_name="other", model_hash="c3" * 32)
RENAMED = {"share-equal": "cse"}


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("share-equal", "cse"),
        ("conv1d=along-h | share-equal@0/3,share-equal-more", "conv1d=along-h | cse@0/3,share-equal-more"),
        ("share-equal{through=share-equal},share-equal@profitable", "cse{through=share-equal},cse@profitable"),
        ("default", "default"),
    ],
)
def test_a_name_is_replaced_where_it_names_an_element(recipe: str, expected: str) -> None:
    assert rename(recipe, RENAMED) == expected


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (best_of(NOW, "cse", 80), "same"),
        (best_of(NOW, "sink-transposes", 80), "same cost, other recipe"),
        (best_of(NOW, "cse", 79), "differs"),
        (best_of(NOW, "cse", 80, default=99), "differs"),
    ],
)
def test_costs_decide(after: Best, verdict: str) -> None:
    (found,) = compared([Found.of(best_of(IDENTITY, "share-equal", 80))], [Found.of(after)], RENAMED)
    assert found.verdict == verdict
    assert found.costs_the_same == verdict.startswith("same")


def test_a_best_of_one_store_alone_is_missing_in_the_other() -> None:
    mine, others = (Found.of(best_of(one, "cse", 80)) for one in (IDENTITY, OTHER))
    assert [one.verdict for one in compared([mine], [others], {})] == ["missing after", "missing before"]


def stored(path: Path, *bests: Best) -> str:
    with Store.open(path) as store:
        for best in bests:
            store.identities.register(best.identity)
            store.bests.record(best)
    return str(path)


def test_the_command_ends_with_a_status_that_says_it(tmp_path: Path) -> None:
    before = stored(tmp_path / "before.sqlite", best_of(IDENTITY, "share-equal", 80), best_of(OTHER, "cse", 70))
    same = stored(tmp_path / "same.sqlite", best_of(NOW, "cse", 80), best_of(OTHER, "cse", 70))
    worse = stored(tmp_path / "worse.sqlite", best_of(NOW, "cse", 81), best_of(OTHER, "cse", 70))
    (tmp_path / "renamed.json").write_text(json.dumps(RENAMED))
    options = ["--renamed", str(tmp_path / "renamed.json")]
    ended = CliRunner().invoke(main, [before, same, *options])
    assert ended.exit_code == 0 and "2 of 2 cost the same" in ended.output and "other recipe" not in ended.output
    ended = CliRunner().invoke(main, [before, worse, *options])
    assert ended.exit_code == 1 and "80 → 81" in ended.output and "1 of 2 cost the same" in ended.output


def test_what_another_version_printed_is_compared_with_a_store(tmp_path: Path) -> None:
    """Its objective and quantisation are in words that today's version does not have."""
    after = stored(tmp_path / "after.sqlite", best_of(NOW, "cse", 80))
    printed = {
        "model": NOW.model_name, "target": NOW.target.name, "status": "trials", "objective": "the fewest cycles",
        "recipe": "share-equal", "default": {"cycles": 100}, "best": {"cycles": 80},
    }  # fmt: skip
    failed = {"model": "other", "target": NOW.target.name, "status": "failed", "error": "no such model"}
    (tmp_path / "before.json").write_text(json.dumps([failed, printed]))
    (tmp_path / "renamed.json").write_text(json.dumps(RENAMED))
    arguments = [str(tmp_path / "before.json"), after, "--renamed", str(tmp_path / "renamed.json")]
    ended = CliRunner().invoke(main, arguments)
    assert ended.exit_code == 0 and "| same |" in ended.output and "1 of 1 cost the same" in ended.output
    (tmp_path / "before.json").write_text(json.dumps([printed | {"best": {"cycles": 79}}]))
    assert CliRunner().invoke(main, arguments).exit_code == 1


def test_what_cannot_be_compared_is_said_in_one_line(tmp_path: Path) -> None:
    empty = stored(tmp_path / "empty.sqlite")
    (tmp_path / "bad.json").write_text("[1]")
    for arguments, says in (
        ([empty, str(tmp_path / "none.sqlite")], "none.sqlite"),
        ([empty, empty], "neither side has a best"),
        ([empty, empty, "--renamed", str(tmp_path / "bad.json")], "JSON object"),
        ([str(tmp_path / "bad.json"), empty], "tune --json"),
        ([str(tmp_path / "none.json"), empty], "none.json"),
    ):
        ended = CliRunner().invoke(main, arguments)
        assert ended.exit_code == 1 and says in ended.output and len(ended.output.splitlines()) == 1
