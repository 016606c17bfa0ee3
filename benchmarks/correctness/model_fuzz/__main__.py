"""Tune random models and say what breaks; `--seed S --models 1` repeats one."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.correctness.model_fuzz.generate import generated
from benchmarks.correctness.model_fuzz.judge import Judged, judge

#: Models that share processes, each of which needs six seconds of CPU for its imports.
_BATCH = 40


@click.command(help=__doc__)
@click.option("--models", default=500, show_default=True)
@click.option("--seed", default=0, show_default=True, help="of the first model; the next one has the next seed")
@click.option("--trials", default=5, show_default=True, help="candidates per model")
@click.option("--workers", default=1, show_default=True, help="processes that evaluate candidates")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out/model-fuzz"), show_default=True,
    help="gets the files of models that are findings, and logs",
)  # fmt: skip
def main(models: int, seed: int, trials: int, workers: int, out: Path) -> None:
    came_to, started = Counter[str](), time.monotonic()
    work = out / "work"

    async def run(seeds: Sequence[int]) -> None:
        async for one in judge([generated(each) for each in seeds], work, trials=trials, workers=workers):
            came_to[one.came_to] += 1
            say(one, out, work)

    for first in range(seed, seed + models, _BATCH):
        asyncio.run(run(range(first, min(first + _BATCH, seed + models))))
        click.echo(f"{came_to.total()} models, {time.monotonic() - started:.0f} s: {dict(came_to)}", err=True)
        shutil.rmtree(work)
    if came_to["finding"]:
        sys.exit(1)


def say(one: Judged, out: Path, work: Path) -> None:
    """One line; the file of a finding is kept, and the tracebacks so far."""
    kept = ""
    if one.came_to == "finding":
        name = f"model_{one.model.seed}.py"
        shutil.copy(work / name, out / name)
        kept = f" ({out / name})"
        if (log := work / "logs" / "unexpected.log").exists():
            shutil.copy(log, out / log.name)
    click.echo(f"{one.model.seed} {one.model.target} {one.model.form}: {one.came_to}{kept} {one.reason}")


if __name__ == "__main__":
    main()
