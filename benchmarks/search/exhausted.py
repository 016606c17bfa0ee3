"""Models of the suite whose whole space can be searched: `make exhausted`, which puts the table into docs/search.md."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.markdown import row
from results.records.best import Best
from results.records.compare import figures_of
from results.store.store import Store
from tuner.paths import cache_folder
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import tune
from workers import tasks
from workers.backend.job import Job
from workers.ethos_u.target import Target
from workers.pool.ray_pool import Pool

_U55, _U85 = "ethos-u55-128", "ethos-u85-256"
_CLOSING = (
    ("mlperf-tiny/deep-autoencoder", _U55),
    ("mlperf-tiny/resnet8", _U55),
    ("crnn", _U55),
    ("wav2letter", _U55),
    ("mlperf-tiny/deep-autoencoder", _U85),
    ("mlperf-tiny/resnet8", _U85),
    ("crnn", _U85),
)
_JOBS = 2
#: What a search is given unless options say otherwise, and what is enough for any of these.
_USUAL, _ENOUGH = Budget(trials=64), Budget(trials=5000)


@click.command()
@click.argument("models", nargs=-1)
def exhausted(models: tuple[str, ...]) -> None:
    """Print, as Markdown, what a search finds after the usual candidates, and the best of the space."""
    header = (
        "model", "target", "default cycles", f"best of {_USUAL.trials} candidates", "candidates", "programs",
        "ended", "best",
    )  # fmt: skip
    click.echo("\n".join(row(*header, header=True)))
    for model, target in _CLOSING:
        if not models or model in models:
            click.echo("\n".join(_row(model, target)))


def _row(model: str, target: str) -> Iterator[str]:
    usual, whole = asyncio.run(_searched(Job(model, Target.parse(target), cache_folder(), seed=0)))
    default, best = figures_of(whole)
    counts = f"{whole.evaluations:,}", f"{whole.distinct:,}"
    cycles = f"{default.cycles:,}", f"{figures_of(usual)[1].cycles:,}"
    yield from row(model, target, *cycles, *counts, whole.status, f"{best.cycles:,}")


async def _searched(job: Job) -> tuple[Best, Best]:
    """The second goes on from the first."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.sqlite") as store:
        async with Pool(_JOBS, cache_folder() / "logs", warm_up=tasks.warm_up) as pool:
            context = TuningContext(pool, store, Path(folder) / "studies", Progress([job]))
            usual = await tune(job, Objective(), _USUAL, context)
            whole = await tune(job, Objective(), _ENOUGH, context)
    return usual.best, whole.best


if __name__ == "__main__":
    exhausted()
