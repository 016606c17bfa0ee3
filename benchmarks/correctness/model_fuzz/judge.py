"""What velatune does with generated models, held against what it says and against stock ExecuTorch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from benchmarks.correctness.model_fuzz.candidates import kinds_of, miscompiled, unexpected_candidate
from benchmarks.correctness.model_fuzz.generate import Generated
from benchmarks.correctness.model_fuzz.stock import Stock, compared, write_file, write_stock
from results.lookup.lookup import Hit
from results.records.best import Best
from results.records.evaluation import Evaluation
from results.store.store import Store
from results.store.tiers import Tiers
from tuner.commands.verify import verify
from tuner.crash_report import unexpected
from tuner.deploy.apply import applied_in
from tuner.deploy.ask import ask, identity_for
from tuner.paths import studies_folder
from tuner.tuning.budget import Budget
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.session import Failure, tune_all
from tuner.tuning.tune import Tuned
from workers import tasks
from workers.backend.job import Job
from workers.errors import ModelError, one_line
from workers.ethos_u.run_check import run_check
from workers.ethos_u.target import Target
from workers.pool.failures import WorkerLost
from workers.pool.local_pool import LocalPool

_SECONDS = 600.0

_MISCOMPILED = "of the default lowering it is wrong"
#: What velatune may refuse though stock ExecuTorch writes it, as its messages say it.
_RIGHTLY_REFUSED = (
    "lowers it to a program that computes something else",  # stock's .pte is broken
    "is in training mode",
    _MISCOMPILED,  # Vela miscompiles it, and every candidate that was tried
)
_NO_DELEGATE = "no operator runs on"
#: What neither stock's file nor ours can be run with, which is reported before the search.
_NO_KERNEL = "is none of ExecuTorch's kernels"


@dataclass(frozen=True)
class Judged:
    """A model and what became of it.

    Attributes:
        came_to: `tuned`, `refused`, `rightly refused`, `no file` or `finding`. What is `refused`, stock ExecuTorch does
            not lower either. What is `rightly refused`, it lowers to something of no use. Where there is `no file`, the
            user's own script does not write its `.pt2`.
        reason: one line.
    """

    model: Generated
    came_to: str
    reason: str = ""


@dataclass(frozen=True)
class _Bench:
    """What all models share.

    Attributes:
        folder: for their files and all that is written.
        users: runs the users' own scripts and stock ExecuTorch; what these register in their process is not to help
            velatune.
    """

    folder: Path
    users: LocalPool
    pool: LocalPool
    store: Store
    objective: Objective

    @property
    def log_dir(self) -> Path:
        return self.folder / "logs"


async def judge(
    models: Sequence[Generated], folder: Path, *, trials: int = 5, seconds: float = 10.0, workers: int = 1,
    written_every: int = 1,
) -> AsyncIterator[Judged]:  # fmt: skip
    """Lower models by stock ExecuTorch; tune, look up, apply, run and verify them by velatune; compare outputs.

    ExecuTorch's lowering takes nearly all of the time: stock, tune, apply and verify, one to five seconds each.

    Args:
        models: what is judged.
        folder: for the models' files and all that is written; nothing of the user's is touched.
        trials: candidates per model.
        seconds: of search per model.
        workers: processes that evaluate candidates.
        written_every: only every so-manieth model is applied, run, verified and compared with stock's. The others are
            tuned and looked up. That makes a `.pte` of the default as well, which is not kept. Of these, stock
            ExecuTorch lowers only what velatune refuses.

    Yields:
        What came of each model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = {model: _written(model, folder) for model in models}
    logs = folder / "logs"
    async with LocalPool(1, logs, tasks.warm_up) as users, LocalPool(1, logs / "own", tasks.warm_up) as pool:
        with Store.open(folder / "store.sqlite") as store:
            bench = _Bench(folder, users, pool, store, Objective())
            faults = {model: await _file_fault(bench, model, job) for model, job in jobs.items() if model.writes_pt2}
            asked = [model for model in models if not faults.get(model)]
            tuned = await _tuned(bench, [jobs[model] for model in asked], Budget(trials, seconds), workers)
            outcomes = dict(zip(asked, tuned, strict=True))
            for at, model in enumerate(models):
                if model in outcomes:
                    written = at % written_every == 0
                    yield await _judged(bench, model, jobs[model], outcomes[model], written)
                else:
                    yield Judged(model, "no file", faults[model])


async def _tuned(bench: _Bench, jobs: Sequence[Job], budget: Budget, workers: int) -> list[Tuned | Failure]:
    """All in one pool: it takes seconds to start."""
    with (bench.log_dir / "progress.log").open("a") as log, contextlib.redirect_stderr(log):
        return await tune_all(
            jobs, bench.objective, budget, workers=workers, address=None, store=bench.store,
            studies=studies_folder(bench.store.location), log_dir=bench.log_dir, progress=Progress(list(jobs)),
        )  # fmt: skip


def _path(model: Generated, folder: Path, suffix: str) -> Path:
    return folder / f"model_{model.seed}{suffix}"


def _written(model: Generated, folder: Path) -> Job[Target]:
    """The model's file, and what velatune is asked."""
    file = _path(model, folder, ".py")
    file.write_text(model.text, encoding="utf-8")
    source = str(_path(model, folder, ".pt2")) if model.writes_pt2 else f"{file}:make"
    return Job(source, Target.parse(model.target), folder / "cache", seed=0)


async def _file_fault(bench: _Bench, model: Generated, job: Job) -> str:
    """Why the user's own script does not write the `.pt2`, in one line; empty if it does."""
    file = _path(model, bench.folder, ".py")
    try:
        return await bench.users.run(write_file, file, Path(job.source), timeout_seconds=_SECONDS)
    except WorkerLost as lost:
        return str(lost)


async def _stock(bench: _Bench, model: Generated, job: Job) -> Stock:
    pt2 = Path(job.source) if model.writes_pt2 else None
    file, out = _path(model, bench.folder, ".py"), _path(model, bench.folder, ".stock.pte")
    try:
        return await bench.users.run(write_stock, file, pt2, model.target, out, timeout_seconds=_SECONDS)
    except WorkerLost as lost:
        return Stock("lost", str(lost))


async def _judged(bench: _Bench, model: Generated, job: Job[Target], outcome: Tuned | Failure, written: bool) -> Judged:
    if isinstance(outcome, Failure):
        judged = _refused(model, await _stock(bench, model, job), outcome.reason)
        if judged.came_to != "finding" and _MISCOMPILED in outcome.reason:
            evaluations = bench.store.evaluations.of(identity_for(job, bench.objective).key)
            reason, known = await _candidates(bench, job, evaluations)
            return Judged(model, "finding" if reason else judged.came_to, reason or f"{judged.reason} ({known})")
        return judged
    try:
        stock = await _stock(bench, model, job) if written else None
        reason, known = await _candidates(bench, job, bench.store.evaluations.of(outcome.best.identity.key))
        reason = reason or _unverified(outcome.best.best) or await _fault(bench, model, job, outcome.best, stock)
    except Exception as error:  # whatever a fault of velatune's own raises
        reason, known = unexpected(error, bench.log_dir), ""
    if stock is not None and stock.fault and not reason:
        known = f"stock does not write it ({stock.stage}): {stock.fault}"
    return Judged(model, "finding" if reason and _NO_KERNEL not in reason else "tuned", reason or known)


async def _candidates(bench: _Bench, job: Job[Target], evaluations: Sequence[Evaluation]) -> tuple[str, str]:
    """What is unexpected of a tune's candidates, and the known miscompilations among them; both empty if nothing is."""
    if reason := unexpected_candidate(evaluations):
        return reason, ""
    found = set[str]()
    for one in miscompiled(evaluations):
        kinds = await bench.pool.run(kinds_of, job, one.recipe, timeout_seconds=_SECONDS)
        if not kinds:
            return f"no known miscompilation: {one.recipe} is wrong, {one.reason}", ""
        found.update(kinds)
    return "", f"miscompiled candidates: {', '.join(sorted(found))}" if found else ""


def _refused(model: Generated, stock: Stock, reason: str) -> Judged:
    if "failed unexpectedly" in reason or "\n" in reason:
        return Judged(model, "finding", reason)
    if stock.fault:
        return Judged(model, "refused", f"{reason} (stock, {stock.stage}: {stock.fault})")
    if any(one in reason for one in _RIGHTLY_REFUSED) or (_NO_DELEGATE in reason and not stock.delegates):
        return Judged(model, "rightly refused", reason)
    return Judged(model, "finding", f"stock ExecuTorch writes it: {reason}")


async def _fault(bench: _Bench, model: Generated, job: Job[Target], best: Best, stock: Stock | None) -> str:
    """In one line, what goes wrong with a best that was found; empty if nothing does. It is written unless stock is
    None, and compared with what stock ExecuTorch wrote, if it wrote something."""
    found, _ = await asyncio.to_thread(ask, Tiers(bench.store), job, bench.objective, bench.log_dir)
    if not isinstance(found, Hit) or found.best.recipe != best.recipe:
        return f"lookup says {type(found).__name__} instead of the recipe that was found"
    if stock is None:
        return ""
    file, stock_pte, pte = (_path(model, bench.folder, suffix) for suffix in (".py", ".stock.pte", ".pte"))
    try:
        await applied_in(bench.pool, job, bench.objective, {best.recipe: pte}, bench.store)
    except ModelError as error:
        return f"apply: {error}"
    said = CliRunner().invoke(verify, [str(pte), "--store", str(bench.store.location)])
    if said.exit_code:
        return f"verify: {said.output.strip()} {one_line(said.exception) if said.exception else ''}"
    try:
        await bench.pool.run(run_check, pte, job, best.recipe, timeout_seconds=_SECONDS)
    except (ModelError, WorkerLost) as error:
        return f"verify --run of {best.recipe}: {error}"
    if best.default.status != "ok" or stock.fault:
        return ""  # Vela miscompiles the default, so the outputs are not to be stock's; or stock has none
    return await bench.pool.run(compared, file, stock_pte, pte, timeout_seconds=_SECONDS)


def _unverified(evaluation: Evaluation) -> str:
    """What was not run though it says so."""
    if not evaluation.verified:
        return f"the best is {evaluation.status} and not verified: {evaluation.reason}"
    kinds = {one["kind"]: one["count"] for one in evaluation.check.get("inputs", ())}
    if not kinds.get("random") or not evaluation.check.get("whole") or "all inputs" not in evaluation.check["stream"]:
        return f"verified, but the check says {evaluation.check}"
    return ""
