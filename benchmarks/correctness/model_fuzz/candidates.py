"""What is wrong with candidates that a tune rejected, beyond the toolchain's known faults."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.correctness.miscompilations.detection.open_to import open_to
from results.records.evaluation import Evaluation
from search_space.ir.verifier import verify
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from workers.backend.job import Job
from workers.cache.memo import Memo
from workers.ethos_u.lowering.frontend_settings import base_by
from workers.ethos_u.lowering.lowered import lowered
from workers.ethos_u.target import Target
from workers.ethos_u.vela.facts import VelaFacts

#: A pass or choice raised what it is not to raise.
_PASS_FAILS = " fails, "
#: Of an operation that the NPU model does not have.
_NOT_MODELLED = "cannot be executed here"


def unexpected_candidate(evaluations: Sequence[Evaluation]) -> str:
    """In one line, the first candidate that shows a fault of velatune's own; empty if none does.

    Exact passes give right programs or refuse. A candidate that has figures is a right program; Vela compiled it wrong.
    """
    for one in evaluations:
        is_wrong = one.status == "wrong" and (one.figures is None or _NOT_MODELLED in one.reason)
        if is_wrong or (one.status == "refused" and _PASS_FAILS in one.reason) or one.status == "timed out":
            return f"candidate {one.recipe} is {one.status}: {one.reason}"
    return ""


def miscompiled(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Candidates that are right programs with wrong command streams."""
    return [one for one in evaluations if one.status == "wrong" and one.figures is not None]


def kinds_of(job: Job[Target], recipe: str) -> tuple[str, ...]:
    """The catalogued miscompilations that a candidate's programs are open to. Runs in a worker process."""
    parsed = Recipe.parse(recipe)
    default = lowered(job)
    base = base_by(default, parsed.setting, job) if parsed.setting else default
    facts = VelaFacts(job.target, Memo(job.cache_dir / "memo"), dict(sorted(base.versions.items())))
    programs = [parsed.apply(verify(read_tosa(data)), facts) for data in base.graphs]
    return tuple(sorted({kind for program in programs for kind in open_to(program, job.target.family)}))
