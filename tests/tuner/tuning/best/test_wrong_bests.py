"""Candidates that are right on random inputs and wrong on others: none is offered, and one line tells of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.programs.npu_programs import Program
from support.samples.sample_results import failed

from benchmarks.speed.search_once import OwnProcess
from results.records.evaluation import Evaluation
from results.store.store import Store
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.passes.base import Pass
from search_space.recipe import registry
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from tuner.tuning.best.wrong_bests import warnings_by_cause
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import Tuned, tune
from workers import tasks
from workers.backend.job import Job
from workers.checking.check_inputs import Arrays
from workers.checking.incremental_values import Values
from workers.checking.whole_outputs import WholeOutputs
from workers.ethos_u.target import Target


@dataclass(frozen=True)
class Unclamped(Pass):
    """Shows on the largest value alone."""

    name: ClassVar[str] = "x-unclamped"
    law: ClassVar[str] = "nothing is clamped: wrong"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "CLAMP":
            return False
        edit.replace_uses(node_id, node.inputs[0])
        return True


class Told(Progress):
    """Keeps the warnings."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__(jobs)
        self.warnings: list[str] = []

    def warning(self, job: Job, text: str) -> None:
        self.warnings.append(text)


def clamped() -> bytes:
    p = Program()
    value = p.max_pool(p.transpose(p.input(1, 2, 3, 3), 0, 2, 3, 1), 2, 1)
    value = p.max_pool(p.clamp(value, -128, 126), 2, 1)
    return write_tosa(p.graph(p.transpose(value, 0, 3, 1, 2)))


@pytest.fixture
def with_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong pass, of which the checks of programs find nothing: what it does shows as miscompiled streams do."""
    known = registry.passes() | {Unclamped.name: Unclamped}
    monkeypatch.setattr(registry, "passes", lambda: known)
    default = verify(read_tosa(clamped()))
    for kind in (Values, WholeOutputs):

        def outputs(self: Values, graph: Graph, right: Callable[..., list[Arrays]] = kind.outputs) -> list[Arrays]:
            is_whole = len(graph.outputs) == 1  # else what is looked for is the first operation that differs
            return right(self, default if is_whole else graph)

        monkeypatch.setattr(kind, "outputs", outputs)


def searched(folder: Path) -> tuple[Tuned, list[Evaluation], list[str], list[tuple[Callable[..., Any], Any]]]:
    (folder / "net.tosa").write_bytes(clamped())
    job = Job(str(folder / "net.tosa"), Target.parse("ethos-u55-128"), folder / "cache", seed=0)
    progress = Told([job])
    asked: list[tuple[Callable[..., Any], Any]] = []
    tasks.warm_up()
    with Store.open(folder / "store.db") as store:
        pool = OwnProcess(lambda function, args: asked.append((function, args)))
        found = asyncio.run(
            tune(job, Objective(), Budget(60), TuningContext(pool, store, folder / "studies", progress))
        )  # type: ignore[arg-type]
        return found, store.evaluations.of(found.best.identity.key), progress.warnings, asked


def test_what_fails_alike_is_found_in_one_go_and_told_in_one_line(tmp_path: Path, with_mistakes: None) -> None:
    found, records, warnings, asked = searched(tmp_path)
    wrong = [one for one in records if one.status == "wrong"]
    assert len(wrong) > 2 and all("x-unclamped" in one.recipe for one in wrong)
    assert found.best.best.checked_whole and "x-unclamped" not in found.best.recipe
    (warning,) = warnings
    assert warning.endswith(f"(and {len(wrong) - 1} more candidates alike)")
    whole = [args for function, args in asked if function is tasks.evaluate and args[4]]
    assert len(whole) == 2, "the first one that is wrong, and the best"
    assert sum(function is tasks.up_to_right for function, _ in asked) == 1 + (len(wrong) - 1) // 16
    functions = [function for function, _ in asked]
    assert functions.index(tasks.prepare_whole_checks) == functions.index(tasks.evaluate) + 1, "before the search"


def test_causes_are_distinguished_by_what_is_wrong() -> None:
    reasons = (
        "3 of 10 values of output 0 differ on maximum inputs; operation 4 is the first to go wrong",
        "7 of 10 values of output 0 differ on minimum inputs", "5 of 10 values of output 0 differ on maximum inputs",
    )  # fmt: skip
    wrong = [replace(failed(f"r{at}", "wrong"), reason=reason) for at, reason in enumerate(reasons)]
    assert list(warnings_by_cause(wrong)) == [
        f"r0 was to be the best and is wrong on more inputs: {reasons[0]} (and 1 more candidates alike)",
        f"r1 was to be the best and is wrong on more inputs: {reasons[1]}",
    ]
