"""What executing command streams costs a search: its candidates, evaluated with and without it in turn.

    python -m benchmarks.speed.executing --model mlperf-tiny/ds-cnn --model vit

Prints CPU seconds of a candidate with and without, for each model and target. It also prints by how much candidates per
second fall. A search is run once, as it is. What it asked of its evaluator is then asked again of two that remember
nothing. These are the same recipes in the same order, and the successors of the same ones. CPU seconds of this process;
they leave out the search's own steps, which are the same for both. `benchmarks.speed.against` compares whole searches
of two checkouts.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from benchmarks.speed.search_once import OwnProcess, cache_with_lowered, search
from search_space.recipe.recipe import Recipe
from tuner.paths import cache_folder
from workers import tasks
from workers.backend.job import Job
from workers.cache.memo import Memo
from workers.checking.verdict import Verdict
from workers.ethos_u.lowering.lowered import lowered
from workers.ethos_u.programs import TosaPrograms
from workers.ethos_u.target import Target
from workers.evaluator import Evaluator, Wanted
from workers.pool.worker_process import spare_the_collector

Call = tuple[Wanted | None, str]
"""Whether the streams of a recipe that is evaluated are wanted; None where it is asked what follows on it. And the
recipe."""


class Unexecuted(TosaPrograms):
    """Programs whose command streams are all taken for right."""

    def executed(self, *_: Any, **__: Any) -> Verdict:
        return Verdict(True)


def calls_of_search(job: Job[Target], trials: int) -> list[Call]:
    """What a search asks of its evaluator.

    The check of the best is left out, as are recipes that ExecuTorch lowers anew.
    """
    found: list[Call] = []

    def asked(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if function not in (tasks.evaluate, tasks.expansion):
            return
        if function is tasks.expansion:
            (_, _, _, recipe), whole, wanted = args, False, None
        else:
            _, _, _, recipe, whole, wanted = args
        if not whole and not Recipe.parse(recipe).setting:
            found.append((wanted, recipe))

    search(job, trials, OwnProcess(asked))
    return found


def seconds_of(job: Job[Target], calls: list[Call], folder: Path, turn: int) -> tuple[list[float], list[float]]:
    """CPU seconds of each call with and without executing, in a process that has done neither before.

    Args:
        turn: which of them is first, which has some work that the other one finds done.
    """
    tasks.warm_up()
    spare_the_collector()
    base, kinds = lowered(job), (TosaPrograms, Unexecuted)
    taken: dict[type[TosaPrograms], list[float]] = {kind: [] for kind in kinds}
    sides = {}
    for kind in kinds:
        place = folder / kind.__name__
        sides[kind] = Evaluator(kind(base, job.target, Memo(place / "memo"), place / "values", job.seed))
    for at, (wanted, recipe) in enumerate(calls):
        for kind in kinds if (at + turn) % 2 else reversed(kinds):
            started = time.process_time()
            if wanted is None:
                sides[kind].expansion(Recipe.parse(recipe))
            else:
                sides[kind].evaluate(Recipe.parse(recipe), wanted=wanted)
            taken[kind].append(time.process_time() - started)
    return taken[TosaPrograms], taken[Unexecuted]


def compare(job: Job[Target], trials: int, rounds: int, folder: Path) -> tuple[float, float, int]:
    """CPU seconds with and without executing, and of how many candidates. Of each call the least of some rounds counts.
    A busy machine adds to it, and so does what is found out once in a process."""
    os.environ |= {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as process:
        calls = process.submit(calls_of_search, job, trials).result()
        found = [process.submit(seconds_of, job, calls, folder / str(at), at).result() for at in range(rounds)]
    executed, unexecuted = (
        sum(min(of_call) for of_call in zip(*of_rounds, strict=True)) for of_rounds in zip(*found, strict=True)
    )
    return executed, unexecuted, sum(wanted is not None for wanted, _ in calls)


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=("mlperf-tiny/ds-cnn", "vit"), show_default=True)
@click.option("--target", "targets", multiple=True, default=("ethos-u55-128", "ethos-u85-256"), show_default=True)
@click.option("--trials", default=40, show_default=True, help="candidates of the search")
@click.option("--rounds", default=4, show_default=True)
def main(models: tuple[str, ...], targets: tuple[str, ...], trials: int, rounds: int) -> None:
    for model in models:
        for name in targets:
            with tempfile.TemporaryDirectory() as folder:
                cache = cache_with_lowered(Path(folder), cache_folder() / "lowered")
                job = Job(model, Target.parse(name), cache, 0)
                executed, unexecuted, done = compare(job, trials, rounds, Path(folder))
            click.echo(
                f"{model} {name}: {done} candidates, {1000 * executed / done:.1f} ms with, "
                f"{1000 * unexecuted / done:.1f} ms without executing: "
                f"{100 * (1 - unexecuted / executed):.1f} % fewer candidates per second"
            )


if __name__ == "__main__":
    main()
