"""How fast candidates are tried: velatune against `benchmarks.speed.plain_loop`, which a user would write today.

Both search the same model for the same target on one core, with nothing remembered from before. Trials of the loop are
timed before and after velatune's search. So a busy machine slows both alike. For the loop, every trial counts, also one
that comes to a program that it had before. For velatune both are printed. Candidates are distinct recipes whose program
was compiled and found equal to the default lowering. The other number is the distinct programs among them. Each side
exports, quantises and starts up before its time begins.

Then, on two cores: which part of a search the two workers spend in calls.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.speed.plain_loop import PlainLoop
from results.records.best import Best
from results.records.evaluation import Evaluation
from results.reports.prediction_error import PredictionError
from results.store.store import Store
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import tune
from workers import tasks
from workers.backend.base import Base
from workers.backend.job import Job
from workers.ethos_u.target import Target
from workers.pool.ray_pool import Pool

TARGET = Target.parse("ethos-u55-128")
#: Each with how many times as fast as the loop velatune shall be.
AGAINST_THE_LOOP = {
    "benchmarks.models.mobilenet_v2:load": 100,
    "vit": 100,
    "conformer": 100,
    "mlperf-tiny/ds-cnn": 20,
}
MLPERF_TINY = ("mlperf-tiny/ds-cnn", "mlperf-tiny/resnet8", "mlperf-tiny/mobilenet-v1-025")
PER_SECOND = 15
BUSY = ("mlperf-tiny/ds-cnn", "vit")
BUDGET = Budget(trials=400, seconds=60)


@dataclass(frozen=True)
class Searched:
    """A search by velatune.

    The result is verified candidates, distinct programs among them, seconds of search, and its workers' busy share.
    """

    candidates: int
    programs: int
    seconds: float
    busy: float

    @property
    def per_second(self) -> float:
        return self.programs / self.seconds


class _Watch(Progress):
    """Takes the time from the first candidate to the end."""

    def __init__(self, job: Job, pool: Pool) -> None:
        super().__init__([job])
        self._pool = pool
        self._before = self._now()
        self.seconds = self.busy_seconds = 0.0

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), self._pool.busy_seconds

    def searching(
        self, job: Job, default: Evaluation, base: Base, best_so_far: int | None, error: PredictionError | None
    ) -> None:
        self._before = self._now()

    def evaluated(self, job: Job, evaluations: int, distinct: int, record: Evaluation, offered: bool) -> None:
        self.seconds, self.busy_seconds = (now - before for now, before in zip(self._now(), self._before, strict=True))

    def lowering(self, job: Job) -> None: ...

    def done(self, job: Job, best: Best) -> None: ...


async def _search(source: str, workers: int, folder: Path) -> Searched:
    job = Job(source, TARGET, folder / "cache", seed=0)
    with Store.open(folder / "store.db") as store:
        async with Pool(workers, folder / "logs", warm_up=tasks.warm_up) as pool:
            watch = _Watch(job, pool)
            tuned = await tune(job, Objective(), BUDGET, TuningContext(pool, store, folder / "studies", watch))
        found = store.evaluations.of(tuned.best.identity.key)
    programs = [one.program_hash for one in found if one.verified]
    return Searched(len(programs), len(set(programs)), watch.seconds, watch.busy_seconds / watch.seconds / workers)


def searched(source: str, workers: int, cores: Collection[int]) -> Searched:
    """A search with a cache and a store of its own on these cores."""
    os.sched_setaffinity(0, cores)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_search(source, workers, Path(folder)))


def trial_seconds(loop: PlainLoop) -> float:
    started = time.perf_counter()
    loop.step()
    return time.perf_counter() - started


def main() -> None:
    console = Console(width=140)
    cores = sorted(os.sched_getaffinity(0))
    one_core = cores[:1]
    table = Table(
        "model", "plain loop: s a trial", "velatune: s a candidate", "a program", "candidates", "programs",
        "times as fast by candidates", "by programs", "wanted",
    )  # fmt: skip
    rates = {}
    for source, wanted in AGAINST_THE_LOOP.items():
        os.sched_setaffinity(0, one_core)
        loop = PlainLoop(source, TARGET)
        before = trial_seconds(loop)
        found = searched(source, 1, one_core)
        trial = (before + trial_seconds(loop)) / 2
        rates[source] = found
        table.add_row(
            source, f"{trial:.1f}", f"{found.seconds / found.candidates:.3f}", f"{1 / found.per_second:.3f}",
            str(found.candidates), str(found.programs), f"{trial * found.candidates / found.seconds:.0f}",
            f"{trial * found.per_second:.0f}", f"{wanted}",
        )  # fmt: skip
    console.print(f"{TARGET.label}, one core: verified candidates against trials of the plain loop", table)
    table = Table("model", "distinct evaluations", "a second and core", "wanted")
    for source in MLPERF_TINY:
        found = rates.get(source) or searched(source, 1, one_core)
        table.add_row(source, str(found.programs), f"{found.per_second:.1f}", str(PER_SECOND))
    console.print(table)
    table = Table("model", "two workers in calls", "wanted")
    for source in BUSY:
        table.add_row(source, f"{searched(source, 2, cores[:2]).busy:.0%}", "90%")
    console.print(table)


if __name__ == "__main__":
    main()
