"""What a search saves by starting from the bests of a similar model.

It is counted in candidates until 95 % of the gain.

For each pair the first model is tuned. Then the second one is tuned twice, with and without that result. The gain is
the best of both searches.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from results.records.evaluation import Evaluation
from results.store.store import Store
from tuner.paths import cache_folder
from tuner.search.warm_start import WarmStart
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import tune
from workers import tasks
from workers.backend.job import Job
from workers.ethos_u.target import Target
from workers.pool.ray_pool import Pool

TARGET = Target.parse("ethos-u55-128")
PAIRS = {
    "other width": ("tcn", "benchmarks.models.relatives:narrow_tcn"),
    "wider": ("benchmarks.models.relatives:small_mobilenet", "benchmarks.models.relatives:wider_mobilenet"),
    "deeper": ("vit", "benchmarks.models.relatives:deeper_vit"),
}
BUDGET = Budget(trials=48)


async def _tuned(source: str, pool: Pool, store: Store, studies: Path, experience: WarmStart) -> list[Evaluation]:
    """What was evaluated, in that order, the default first."""
    job = Job(source, TARGET, cache_folder(), seed=0)
    context = TuningContext(pool, store, studies, Progress([job]), experience=experience)
    tuned = await tune(job, Objective(), BUDGET, context)
    return store.evaluations.of(tuned.best.identity.key)


def _offered(evaluations: Sequence[Evaluation]) -> list[int | None]:
    """Cycles of each that may be offered."""
    default = next(one.figures for one in evaluations if one.recipe == "default")
    assert default is not None
    return [
        one.figures.cycles
        if one.verified and one.figures and not Objective().on(TARGET.backend).violations(one.figures, default)
        else None
        for one in evaluations
    ]


def candidates_until(cycles: Sequence[int | None], wanted: float) -> str:
    for at, one in enumerate(cycles, 1):
        if one is not None and one <= wanted:
            return str(at)
    return f"over {len(cycles)}"


async def _measure(teacher: str, pupil: str, folder: Path) -> tuple[str, ...]:
    with Store.open(folder / "known.db") as known, Store.open(folder / "new.db") as new:
        async with Pool(1, folder / "logs", warm_up=tasks.warm_up) as pool:
            await _tuned(teacher, pool, known, folder / "studies", WarmStart())
            experience = WarmStart.of(known, ())
            runs = [
                _offered(await _tuned(pupil, pool, store, folder / f"{name}-studies", start))
                for name, store, start in (("without", new, WarmStart()), ("with", known, experience))
            ]
    default = next(cycles for cycles in runs[0] if cycles is not None)
    lowest = [min(one for one in run if one is not None) for run in runs]
    wanted = default - 0.95 * (default - min(lowest))
    return (f"{default:,}", *(f"{one:,}" for one in lowest), *(candidates_until(run, wanted) for run in runs))


def main(pairs: Sequence[str] = tuple(PAIRS)) -> None:
    table = Table(
        "tuned before", "then", "default cycles", "best, not knowing", "best, knowing",
        "candidates to 95 %, not knowing", "knowing",
    )  # fmt: skip
    for name in pairs:
        teacher, pupil = PAIRS[name]
        with tempfile.TemporaryDirectory() as folder:
            table.add_row(teacher, f"{pupil} ({name})", *asyncio.run(_measure(teacher, pupil, Path(folder))))
    Console(width=160).print(f"{TARGET.label}, {BUDGET.trials} candidates a search; cycles are predicted", table)


if __name__ == "__main__":
    main()
