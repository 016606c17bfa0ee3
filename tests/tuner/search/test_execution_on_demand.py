"""Command streams are executed of what may be offered, shown on a front or gone on from, and of little else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from math import inf, log
from pathlib import Path

import pytest
from support.evaluators import evaluator
from support.programs.lowered import Lowered
from support.samples.forgetful import Forgetful

from benchmarks.speed.search_once import OwnProcess
from results.store.store import Store
from search_space.recipe import registry
from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer
from tuner.search.graph.program_graph import ProgramGraph
from tuner.search.studies import open_study
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.evaluation.answers import MayLead, answer_of
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import tune
from workers import tasks
from workers.backend.job import Job
from workers.checking.incremental_values import Values
from workers.ethos_u.target import Target
from workers.evaluator import Outcome

Stock = Callable[[str], Lowered]
U85 = "ethos-u85-256"

NET = """
import torch

def turned():
    torch.manual_seed(3)
    inputs = [(torch.randn(1, 4, 6, 6),) for _ in range(3)]
    layers = torch.nn.Conv2d(4, 8, 1), torch.nn.ReLU(), torch.nn.Flatten(2), torch.nn.Conv1d(8, 4, 3)
    return torch.nn.Sequential(*layers), inputs[0], inputs
"""


@pytest.fixture
def outcome(stock: Stock, tmp_path: Path) -> Outcome:
    """Of a candidate of the small model whose streams were not executed."""
    return evaluator(stock(U85).tosa, U85, tmp_path).evaluate(Recipe.parse("fuse-transposes"), wanted=lambda _: False)


def test_what_is_not_wanted_is_not_executed(outcome: Outcome, stock: Stock, tmp_path: Path) -> None:
    assert outcome.status == "ok" and not outcome.executed
    assert outcome.check["stream"].startswith("not executed")
    one = evaluator(stock(U85).tosa, U85, tmp_path)
    executed = one.evaluate(Recipe.parse("fuse-transposes"))
    assert executed.executed and executed.check["stream"].startswith("executed by the NPU model")
    assert replace(outcome, executed=True, check=executed.check, seconds=0.0, reuse=executed.reuse) == replace(
        executed, seconds=0.0
    )
    assert one.evaluate(Recipe(), wanted=lambda _: False).executed, "everything else is compared with it"
    assert one.evaluate(Recipe.parse("fuse-transposes"), whole=True, wanted=lambda _: False).executed


def test_a_wrong_stream_is_found_out_only_where_it_is_wanted(
    stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = registry.passes() | {Forgetful.name: Forgetful}
    monkeypatch.setattr(registry, "passes", lambda: known)
    one = evaluator(stock(U85).tosa, U85, tmp_path)
    outputs = Values.outputs
    monkeypatch.setattr(Values, "outputs", lambda self, graph: outputs(self, one._programs.default[0]))
    assert one.evaluate(Recipe.parse("x-forgetful"), wanted=lambda _: False).stream_fault == ""
    assert one.evaluate(Recipe.parse("x-forgetful")).stream_fault != ""


def test_what_may_be_the_best_or_leads_on_is_wanted(outcome: Outcome) -> None:
    assert outcome.cost is not None
    objective, default = Objective().on("ethos-u"), outcome.cost
    cycles = objective.cycles(outcome.cost, default)
    assert MayLead(objective, default, execute_to=cycles, expand_to=-inf)(outcome)
    assert not MayLead(objective, default, execute_to=cycles - 1, expand_to=-inf)(outcome)
    assert MayLead(objective, default, execute_to=cycles - 1, expand_to=log(cycles))(outcome)
    # What is beyond a limit is reported with what it costs: it has to be right.
    small = replace(objective, max_sram_bytes=1)
    assert answer_of(outcome, small, default).violation > 0
    assert MayLead(small, default, execute_to=cycles, expand_to=-inf)(outcome)


def test_what_is_found_wrong_before_the_search_goes_on_from_it_is_not_offered() -> None:
    states = ProgramGraph({})
    states.add(Recipe(), Answer("a", 20, path=("a",), successors={"fuse-transposes": "b"}, sites={}))
    faster = Recipe.parse("fuse-transposes")
    states.add(faster, Answer("b", 10, path=("a", "b")))
    assert states.best().recipe == faster
    states.expand(faster, Answer("b", 10, successors={"fold-constants": "c"}, sites={}, violation=1.0))
    assert states.best().recipe == Recipe()
    assert [str(one) for one in states.frontier()] == ["fuse-transposes,fold-constants"]


def test_all_that_a_search_offers_or_goes_on_from_was_executed(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    job = Job(f"{tmp_path / 'net.py'}:turned", Target.parse("ethos-u55-128"), tmp_path / "cache", seed=0)
    tasks.warm_up()
    with Store.open(tmp_path / "store.db") as store:
        found = asyncio.run(
            tune(
                job, Objective(), Budget(40), TuningContext(OwnProcess(), store, tmp_path / "studies", Progress([job]))
            )
        )
        records = {one.recipe: one for one in store.evaluations.of(found.best.identity.key)}
    assert found.best.best.checked_whole
    assert all(records[point.recipe].verified for front in found.fronts for point in front.front)
    assert found.best.best.figures is not None
    unexecuted = [one for one in records.values() if one.is_unexecuted]
    assert unexecuted, "nothing was left out"
    for one in unexecuted:
        assert one.check["stream"].startswith("not executed")
        assert one.figures is not None and one.figures.cycles > found.best.best.figures.cycles
    study = open_study(tmp_path / "studies", found.best.identity, job.seed, "local-search")
    led_on = [str(recipe) for recipe, answer in study.results() if answer.successors is not None]
    assert len(led_on) > 1
    assert all(not records[recipe].is_unexecuted for recipe in led_on)
