"""What an evaluator says of a candidate, with the real Vela and the real reference model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from support.evaluators import base_of, evaluator, programs
from support.programs.lowered import Lowered
from support.samples.forgetful import Forgetful

from benchmarks.correctness.miscompilations.catalogue import MISCOMPILATIONS
from benchmarks.correctness.miscompilations.miscompilation import graph
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.ir.target_facts import TargetFacts
from search_space.passes.base import Pass
from search_space.recipe import registry
from search_space.recipe.profitable_sites import chosen_sites
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import program_hash
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from velatune.testing.program import Program
from workers.cache.hit_counts import Reuse
from workers.checking.incremental_values import Values
from workers.errors import ModelError
from workers.ethos_u.command_stream import decode
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa
from workers.ethos_u.vela.pricing import command_stream_hash
from workers.evaluator import Evaluator, Outcome

ACCELERATORS = ["ethos-u55-128", "ethos-u85-256"]
Stock = Callable[[str], Lowered]


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_the_default_costs_what_stock_executorch_gets(stock: Stock, accelerator: str, tmp_path: Path) -> None:
    tosa = stock(accelerator).tosa
    outcome = evaluator(tosa, accelerator, tmp_path).evaluate(Recipe())
    compiled = [compile_tosa(one, Target.parse(accelerator)) for one in tosa]
    cost = outcome.cost
    assert outcome.status == "ok" and cost is not None
    assert outcome.program_hash == program_hash([read_tosa(one) for one in tosa])
    assert (
        cost["vela_cycles"] == sum(one.vela_cycles for one in compiled) == sum(row.compiler_cycles for row in cost.rows)
    )
    priced = [stream_cycles(decode(one.command_stream), Target.parse(accelerator)) for one in compiled]
    assert cost["stream_cycles"] == sum(one.total_cycles for one in priced) == sum(row.cycles for row in cost.rows)
    assert cost["host_cycles"] > 0
    assert cost["macs"] == sum(one.macs for one in compiled)
    assert cost["npu_ops"] == sum(one.npu_ops for one in compiled)
    assert cost["transposes"] == sum(one.transposes for one in compiled)
    assert cost.sram_bytes == max(one.sram_bytes for one in compiled)
    streams = [command_stream_hash(one.command_stream, one.weights) for one in compiled]
    assert list(cost.artifact_sha256) == streams
    assert {row.delegate for row in cost.rows} == set(range(len(tosa)))


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_successors_are_the_programs_that_passes_lead_to(stock: Stock, accelerator: str, tmp_path: Path) -> None:
    one = evaluator(stock(accelerator).tosa, accelerator, tmp_path)
    default = one.evaluate(Recipe())
    assert default.path == (default.program_hash,)
    successors = one.expansion(Recipe()).successors
    assert successors
    for name, program in successors.items():
        longer = one.evaluate(Recipe.parse(name))
        assert longer.status == "ok"
        assert longer.program_hash == program != default.program_hash
        assert longer.path == (default.program_hash, program)
        assert one.expand(Recipe(), *Recipe.parse(name).passes) == {name: program}


def test_what_one_found_out_another_knows(stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second evaluator could not compile or run anything; under other versions nothing is known."""
    tosa = stock("ethos-u85-256").tosa
    first = evaluator(tosa, "ethos-u85-256", tmp_path)
    recipes = [Recipe(), *map(Recipe.parse, first.expansion(Recipe()).successors)]
    answers = [first.evaluate(recipe) for recipe in recipes]

    def comparable(outcome: Outcome) -> Outcome:
        return replace(outcome, seconds=0.0, reuse=Reuse())

    class Compiled(Exception):
        pass

    def refuse(*arguments: object, **more: object) -> None:
        raise Compiled

    monkeypatch.setattr("workers.ethos_u.vela.pricing.compile_tosa", refuse)
    monkeypatch.setattr("workers.ethos_u.vela.facts.compile_tosa", refuse)
    monkeypatch.setattr("workers.checking.incremental_values.run_on_each", refuse)
    second = evaluator(tosa, "ethos-u85-256", tmp_path)
    again = [second.evaluate(recipe) for recipe in recipes]
    assert [comparable(one) for one in again] == [comparable(one) for one in answers]
    for of in (one.reuse for one in again):
        assert of.known_prices == of.prices and of.known_expansions == of.expansions
    for other in (
        evaluator(tosa, "ethos-u85-512", tmp_path),
        evaluator(tosa, "ethos-u85-256", tmp_path, **{"ethos-u-vela": "0.0"}),
    ):
        with pytest.raises(Compiled):
            other.evaluate(Recipe())


@dataclass(frozen=True)
class IllFormed(Pass):
    name: ClassVar[str] = "x-ill-formed"
    law: ClassVar[str] = "strides are doubled, shapes are not"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "CONV2D" or node.attributes["stride"] != (1, 1):
            return False
        edit.redefine(node_id, replace(node, attributes={**node.attributes, "stride": (2, 2)}))
        return True


@dataclass(frozen=True)
class Unsupported(Pass):
    name: ClassVar[str] = "x-unsupported"
    law: ClassVar[str] = "a sum is a maximum on int8: Vela takes none"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "RESCALE" or node.type.dtype != "INT8" or any(edit[i].op == "MAXIMUM" for i in node.inputs):
            return False
        if any(edit[i].op == "MAXIMUM" for i in edit.users(node_id)):
            return False
        before = edit.add(node)
        edit.redefine(
            node_id, replace(node, op="MAXIMUM", inputs=(before, before), attributes={"nan_mode": "PROPAGATE"})
        )
        return True


def test_the_sites_of_a_pass_are_looked_for_once_in_a_graph(
    stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = read_tosa(max(stock("ethos-u85-256").tosa, key=len))
    one = evaluator((write_tosa(base),), "ethos-u85-256", tmp_path)
    every = Forgetful().sites(base)
    assert len(every) >= 2
    looked_at: list[str] = []

    def counted(each: Pass, graph: Graph, facts: TargetFacts) -> tuple[tuple[int, ...], int]:
        looked_at.append(f"{graph.hash} {each}")
        return chosen_sites(each, graph, facts)

    monkeypatch.setattr("workers.ethos_u.programs.chosen_sites", counted)

    def sites(*passes: Forgetful) -> dict[int, tuple[tuple[int, ...], int]]:
        return one.sites(Recipe((), passes))

    first, second = Forgetful(at="1"), Forgetful(at="2+99")
    assert sites(first) == {0: ((1,), len(every))}
    assert sites(second) == {0: ((2,), len(every))}
    assert sites(first, second) == {0: ((1,), len(every)), 1: ((2,) if len(every) > 2 else (), len(every) - 1)}
    assert sites(first, second) == sites(first, second)
    assert sites(first, Forgetful(), first)[0] == ((1,), len(every))
    assert len(looked_at) == len(set(looked_at)) == 4


@pytest.fixture
def with_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.passes() | {one.name: one for one in (Forgetful, IllFormed, Unsupported)}
    monkeypatch.setattr(registry, "passes", lambda: known)


@pytest.mark.parametrize(
    ("recipe", "status", "reason"),
    [
        ("x-forgetful", "wrong", "differ on random inputs"),
        ("x-ill-formed", "wrong", "do not fit together"),
        ("x-unsupported", "refused", "Vela: "),
    ],
)
def test_bad_candidates_are_distinguished(
    stock: Stock, tmp_path: Path, with_passes: None, recipe: str, status: str, reason: str
) -> None:
    one = evaluator(stock("ethos-u85-256").tosa, "ethos-u85-256", tmp_path)
    outcome = one.evaluate(Recipe.parse(recipe))
    assert (outcome.status, outcome.cost) == (status, None)
    assert reason in outcome.reason and "\n" not in outcome.reason
    again = evaluator(stock("ethos-u85-256").tosa, "ethos-u85-256", tmp_path).evaluate(Recipe.parse(recipe))
    assert (again.status, again.reason) == (outcome.status, outcome.reason)
    assert one.evaluate(Recipe()).status == "ok"


def test_a_mistake_in_what_is_shared_does_not_reach_the_whole(
    stock: Stock, tmp_path: Path, with_passes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = evaluator(stock("ethos-u85-256").tosa, "ethos-u85-256", tmp_path)
    outputs = Values.outputs
    monkeypatch.setattr(Values, "outputs", lambda self, graph: outputs(self, one._programs.default[0]))
    by_parts, whole = one.evaluate(Recipe.parse("x-forgetful")), one.evaluate(Recipe.parse("x-forgetful"), whole=True)
    assert by_parts.status == "ok" and not by_parts.check["whole"]
    assert "when the command stream is executed" in by_parts.stream_fault
    assert whole.status == "wrong" and "differ on random inputs" in whole.reason
    right = one.evaluate(Recipe.parse("fuse-transposes"), whole=True)
    assert right.status == "ok" and right.check["whole"]
    assert right.check["computed"] == "whole programs on all inputs by the TOSA reference model"


def test_the_default_is_executed_on_all_inputs_always(tmp_path: Path) -> None:
    """Only its waits are wrong: executed in order on random inputs, its operations are right."""
    (overwritten,) = (one for one in MISCOMPILATIONS if one.name == "overwritten-indices")
    tosa = (write_tosa(graph(overwritten.make)),)
    default = evaluator(tosa, "ethos-u85-256", tmp_path).evaluate(Recipe())
    assert default.status == "ok" and "breaks a rule of the NPU" in default.stream_fault
    assert default.check["stream"].endswith("on all inputs; accesses and waits checked") and not default.check["whole"]


def test_a_value_of_rank_0_is_an_input_as_any_other(tmp_path: Path) -> None:
    """A learned or computed gate: PyTorch's scalar tensors reach a delegate with rank 0."""
    p = Program()
    tensor, gate = p.input(1, 4, 6, 8), p.table(p.input())
    base = replace(
        base_of((p.tosa(p.mul(tensor, p.reshape(gate, 1, 1, 1, 1))),)),
        calibration_inputs=(((np.zeros((1, 4, 6, 8), np.int8), np.int8(3)),),),
    )
    one = Evaluator(programs(base, "ethos-u55-128", tmp_path))
    outcome = one.evaluate(Recipe(), whole=True)
    assert (outcome.status, outcome.reason, outcome.stream_fault) == ("ok", "", "")
    assert {"kind": "calibration", "count": 1} in (outcome.check or {})["inputs"]


def test_a_base_program_that_cannot_be_read_is_named(stock: Stock, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="small: delegate 0"):
        evaluator((stock("ethos-u85-256").tosa[0][:200],), "ethos-u85-256", tmp_path)


def test_the_check_says_what_it_compared(stock: Stock, tmp_path: Path) -> None:
    tosa = stock("ethos-u85-256").tosa
    graph = read_tosa(tosa[0])
    (data,) = (graph[i].type for i in graph.inputs)
    calibration = ((np.full(data.shape, 3, np.int8),), (np.full(data.shape, 4, np.int8),))
    base = replace(base_of(tosa), calibration_inputs=(calibration,))
    check = Evaluator(programs(base, "ethos-u85-256", tmp_path, seed=7)).evaluate(Recipe()).check
    counts = {one["kind"]: one["count"] for one in check["inputs"]}
    assert counts == {"random": 1, "minimum": 1, "maximum": 1, "zero point": 1, "calibration": 2}
    assert check["inputs"][0]["seed"] == 7
