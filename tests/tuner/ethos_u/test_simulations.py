"""What is simulated is stored beside what was predicted, and which candidates are simulated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.samples.sample_results import IDENTITY, best, evaluation, failed, figures

from results.errors import StoreError
from results.records.evaluation import Evaluation, Simulation
from results.store.store import Store
from tuner.ethos_u.simulations import contenders
from tuner.tuning.objective import FamilyObjective, Objective

KEY = IDENTITY.key
ONE = Simulation(KEY, "a", "FVP_Corstone_SSE-300_Ethos-U55", "e1" * 32, 90)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite") as store:
        store.bests.record(best("a", 60))
        store.evaluations.record(evaluation("b", 70))
        yield store


def test_simulations_come_back_with_the_fewest_cycles_first(store: Store) -> None:
    other = Simulation(KEY, "b", ONE.simulator, ONE.runner_sha256, 80)
    board = replace(ONE, runner_sha256="f1" * 32, npu_cycles=85)
    for one in (ONE, other, board):
        assert Simulation.from_json(one.to_json()) == one
        store.simulations.record(one)
    assert store.simulations.of(KEY) == [other, board, ONE]
    assert store.simulations.of("another") == []


def test_what_was_predicted_stays(store: Store) -> None:
    before = store.evaluations.of(KEY), store.bests.get(KEY)
    store.simulations.record(ONE)
    assert (store.evaluations.of(KEY), store.bests.get(KEY)) == before
    assert not store.evaluations.record(evaluation("a", 60)), "an evaluation that is known, made once more"
    store.evaluations.record(failed("a", "wrong"))
    assert store.simulations.of(KEY) == [ONE]


def test_a_later_run_takes_the_place_of_an_earlier_one(store: Store) -> None:
    store.simulations.record(ONE)
    store.simulations.record(replace(ONE, npu_cycles=91))
    assert [one.npu_cycles for one in store.simulations.of(KEY)] == [91]


def test_only_what_was_evaluated_and_only_as_simulated(store: Store) -> None:
    with pytest.raises(StoreError, match="no evaluation of 'c'"):
        store.simulations.record(replace(ONE, recipe="c"))
    with pytest.raises(StoreError, match="register"):
        store.simulations.record(replace(ONE, identity_key="00" * 32))
    for wrong in ({"label": "measured"}, {"label": "predicted"}, {"npu_cycles": -1}):
        with pytest.raises(ValueError):
            replace(ONE, **wrong)  # type: ignore[arg-type]


def test_a_damaged_one_is_skipped(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.simulations.record(ONE)
    store.simulations.record(replace(ONE, recipe="b"))
    with sqlite3.connect(store.location) as connection:
        connection.execute("UPDATE simulations SET npu_cycles = 'many' WHERE evaluation_id = 2")
    assert [one.recipe for one in store.simulations.of(KEY)] == ["b"]
    assert "skipped simulation of a" in caplog.text


STREAM = Objective().on("ethos-u")


def candidate(recipe: str, cycles: int, stream: str, **others: int) -> Evaluation:
    return evaluation(recipe, figures=figures(cycles, **others), command_stream_sha256=(stream,))


def test_limits_are_those_of_the_workaround_where_the_default_is_wrong() -> None:
    default = replace(failed("default", "wrong"), figures=figures(100))
    workaround = candidate("copy-sliced-operand", 90, "s1", conservative_cycles=110)
    others = [
        candidate("fold-constants", 80, "s2", conservative_cycles=109),
        candidate("fuse-transposes", 70, "s3", conservative_cycles=111),
    ]
    chosen = contenders([default, workaround, *others], STREAM, 9)
    assert [one.recipe for one in chosen] == ["default", "fold-constants", "copy-sliced-operand"]


def test_the_default_and_the_cheapest_of_each_program_are_simulated() -> None:
    default = candidate("default", 100, "s0")
    known = [
        candidate("the,same", 60, "s1"), candidate("same", 60, "s1"), candidate("good", 70, "s2"),
        candidate("nothing", 100, "s0"), failed("bad", "wrong"), evaluation("unverified", 10, verified=False),
        candidate("dear", 110, "s3", conservative_cycles=100), default,
        candidate("dear by Vela", 65, "s4", vela_cycles=200), candidate("large", 50, "s5", sram_bytes=10**6),
    ]  # fmt: skip

    def chosen(objective: FamilyObjective, count: int) -> list[str]:
        return [one.recipe for one in contenders(known, objective, count)]

    assert chosen(STREAM, 2) == ["default", "same", "dear by Vela"]
    assert chosen(STREAM, 1) == ["default", "same"]
    lenient = Objective(max_sram_bytes=10**6).on("ethos-u")
    assert chosen(lenient, 9) == [
        "default",
        "large",
        "same",
        "dear by Vela",
        "good",
        "dear",
    ]
    assert contenders([one for one in known if one is not default], STREAM, 2) == []
