"""One lowering: its programs by the TOSA reference model, and its command streams executed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.correctness.miscompilations.detection.open_to import open_to
from benchmarks.correctness.proofs.case import Case
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from tuner.paths import cache_folder
from workers.backend.job import Job
from workers.cache.memo import Memo
from workers.checking.check_inputs import CheckInput
from workers.checking.defined_inputs import on_defined_inputs
from workers.checking.reference_check import check
from workers.checking.whole_outputs import WholeOutputs
from workers.ethos_u.lowering.frontend_settings import base_by
from workers.ethos_u.lowering.lowered import lowered
from workers.ethos_u.npu_model import Fault, NpuProgram, Unmodelled, execute
from workers.ethos_u.stream_check.interface import used_inputs
from workers.ethos_u.stream_check.verdict import stream_verdict
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa
from workers.ethos_u.vela.facts import VelaFacts

_SEED = 0


@dataclass(frozen=True)
class Seconds:
    """CPU seconds of one execution: the first one, which decodes weights, and another one."""

    first: float = 0.0
    again: float = 0.0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.first + other.first, self.again + other.again)


@dataclass(frozen=True)
class Wrong:
    """A delegate that is wrong.

    Attributes:
        reason: what differs, in one line.
        open_to: kinds of miscompilation, as in docs/vela-miscompilations.md, that it may be.
    """

    delegate: int
    reason: str
    open_to: tuple[str, ...]

    def __str__(self) -> str:
        why = f"open to {', '.join(self.open_to)}" if self.open_to else "no known kind"
        return f"delegate {self.delegate}: {self.reason} [{why}]"


@dataclass(frozen=True)
class Proof:
    """What came of a lowering.

    Attributes:
        delegates: how many there are.
        sets: on which sets of inputs they were executed, all together, as in `4 random, 1 minimum`.
        wrong: the delegates that are.
        seconds: of executing all delegates on one set of inputs.
    """

    delegates: int
    sets: str
    wrong: tuple[Wrong, ...]
    seconds: Seconds


def job_of(case: Case) -> Job[Target]:
    """The job whose model and target the case has."""
    return Job(case.model, Target.parse(case.accelerator), cache_folder(), _SEED)


def prove(case: Case) -> Proof:
    """Compare all delegates with the default lowering by the reference model, and their streams with them.

    Raises:
        ModelError: the model cannot be lowered.
        VelaRefused: Vela does not compile a delegate.
        ReferenceFailed: the reference model does not run one.
    """
    job, recipe = job_of(case), Recipe.parse(case.recipe)
    base = lowered(job)
    if recipe.setting:
        base = base_by(base, recipe.setting, job)
    wrong, seconds, sets = [], Seconds(), Counter[str]()
    with TemporaryDirectory() as forgotten:
        facts = VelaFacts(job.target, Memo(Path(forgotten)), base.versions)
        for at, (data, calibration) in enumerate(zip(base.graphs, base.calibration_inputs, strict=True)):
            stock = verify(read_tosa(data))
            graph = verify(recipe.apply(stock, facts))
            computed = on_defined_inputs(WholeOutputs, stock, calibration, job.seed, more=True)
            compiled = compile_tosa(write_tosa(graph), job.target)
            seconds += _both_seconds(graph, compiled.npu_program, computed.inputs[0])
            verdict = check(graph, stock, computed)
            if verdict.equal:
                verdict = stream_verdict(graph, compiled.npu_program, compiled.operators, computed)
            if not verdict.equal:
                kinds = open_to(graph, job.target.family)
                wrong.append(Wrong(at, verdict.reason, tuple(sorted(kinds))))
            sets.update(one.kind for one in computed.inputs)
    counts = ", ".join(f"{count} {kind}" for kind, count in sets.items())
    return Proof(len(base.graphs), counts, tuple(wrong), seconds)


def _both_seconds(graph: Graph, program: NpuProgram, inputs: CheckInput) -> Seconds:
    """Of executing a stream twice, as far as it can be executed."""
    return Seconds(*(_execution_seconds(graph, program, inputs.arrays) for _ in range(2)))


def _execution_seconds(graph: Graph, program: NpuProgram, arrays: Sequence[np.ndarray]) -> float:
    started = time.process_time()
    with suppress(Fault, Unmodelled):  # what is wrong is found out when it is compared
        execute(program, used_inputs(graph, program, [array[None] for array in arrays]))
    return time.process_time() - started
