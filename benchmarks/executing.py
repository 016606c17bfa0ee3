"""What executing command streams costs a search: candidates of one model, evaluated with and without it in turn.

    python -m benchmarks.executing --model mlperf-tiny/ds-cnn --model vit --model benchmarks.mobilenet_v2:load

Prints, for each model and target, CPU seconds of a candidate with and without, and by how much candidates per second
fall. Both sides evaluate the same recipes in the same order and find out what follows on the same ones, each with a
memo of its own. CPU seconds of this process; they leave out the driver, which is the same for both.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import click

from search_space.recipe import Recipe
from search_space.space import pass_instances
from tuner.paths import cache_folder
from workers.base_program import BaseProgram
from workers.evaluator import Evaluator, Outcome
from workers.memo import Memo
from workers.reference_check import Verdict
from workers.target import Target
from workers.tasks import Job, lowered

#: As a search does it, what follows is found out for candidates that are within this part of the best.
_NEAR = 1.03

#: Which part of a starting point's passes a candidate has.
_KEPT = 0.8


class _Unexecuted(Evaluator):
    """An evaluator that takes every command stream for right."""

    def _executed(self, program: object, whole: bool) -> Verdict:
        return Verdict(True)


def candidates(evaluator: Evaluator, count: int, seed: int = 0) -> Iterator[str]:
    """Starting points, then some of their passes at random with another one behind them: mostly other programs."""
    starts = evaluator.starting_points()
    yield from starts[:count]
    random, passes = Random(seed), pass_instances()
    for _ in range(count - len(starts)):
        kept = [one for one in Recipe.parse(random.choice(starts)).passes if random.random() < _KEPT]
        yield str(Recipe(passes=(*kept, random.choice(passes))))


def _cycles(outcome: Outcome) -> float:
    return outcome.cost.stream_cycles if outcome.cost is not None else float("inf")


def compare(job: Job, base: BaseProgram, count: int, folder: Path) -> tuple[float, float, int]:
    """CPU seconds with and without executing, and of how many candidates."""

    def made(kind: type[Evaluator], name: str) -> Evaluator:
        return kind(base, job.target, Memo(folder / name / "memo"), folder / name / "values", job.seed)

    recipes = list(candidates(made(_Unexecuted, "recipes"), count))
    sides = {True: made(Evaluator, "with"), False: made(_Unexecuted, "without")}
    seconds, best = {True: 0.0, False: 0.0}, float("inf")
    for number, recipe in enumerate(["default", *recipes]):
        outcomes = {}
        for executes in (True, False) if number % 2 else (False, True):
            started = time.process_time()
            outcomes[executes] = sides[executes].evaluate(recipe)
            seconds[executes] += time.process_time() - started
        cycles = _cycles(outcomes[False])
        if cycles <= _NEAR * best:
            for executes in (True, False):
                started = time.process_time()
                sides[executes].expansion(recipe)
                seconds[executes] += time.process_time() - started
        best = min(best, cycles)
    return seconds[True], seconds[False], 1 + len(recipes)


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=("mlperf-tiny/ds-cnn", "vit"), show_default=True)
@click.option("--target", "targets", multiple=True, default=("ethos-u55-128", "ethos-u85-256"), show_default=True)
@click.option("--candidates", "count", default=40, show_default=True)
def main(models: tuple[str, ...], targets: tuple[str, ...], count: int) -> None:
    for model in models:
        for name in targets:
            job = Job(model, Target.parse(name), cache_folder(), 0)
            base = lowered(job)
            with tempfile.TemporaryDirectory() as folder:
                executed, unexecuted, done = compare(job, base, count, Path(folder))
            fall = 100 * (1 - unexecuted / executed)
            click.echo(
                f"{model} {name}: {done} candidates, {1000 * executed / done:.1f} ms with, "
                f"{1000 * unexecuted / done:.1f} ms without executing: {fall:.1f} % fewer candidates per second"
            )


if __name__ == "__main__":
    main()
