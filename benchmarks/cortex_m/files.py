"""Files of recipes, run by a command of yours: `python -m benchmarks.cortex_m.files MODEL --runner COMMAND`.

Lowers a model by recipes and has each `.pte` run once. docs/cortex-m.md says what the command has to do. Without
recipes it takes the default lowering and the best that the store knows. Prints what came of each file, what was counted
beside what was predicted, and what the guards say. A file that fails or differs is a row and no error. `--trace` also
names the operators that differ from Python's on the values that the processor itself computed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from benchmarks.cortex_m.options import runner_option, target_option, timeout_option
from benchmarks.cortex_m.tried import tried
from benchmarks.markdown import row
from results.store.store import Store
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from tuner.commands.options import store_option
from tuner.cortex_m.commands.measure import command_of
from tuner.deploy.ask import identity_for
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers import tasks
from workers.backend.job import Job
from workers.cortex_m.backend import BACKEND
from workers.cortex_m.run.expected import expected_of
from workers.cortex_m.run.trace import Computed, traced
from workers.cortex_m.target import Target
from workers.errors import CompilerRefused, ModelError
from workers.models.exported.io_layout import IoLayout

_HEADER = ("model", "recipe", "outputs", "counted", "instructions (predicted)", "error, %", "uncosted", "guards")
_TRACED = ("value", "kind", "differing", "by up to", "largest value")


@click.command()
@click.argument("model")
@runner_option
@target_option
@click.option(
    "--recipe", "recipes", multiple=True, help="may be repeated  [default: the default lowering, and the best known]"
)
@click.option("--io-layout", type=click.Choice(["nchw", "nhwc"]), help="as of velatune tune")
@timeout_option
@click.option("--trace", is_flag=True, help="also run files that give all values, and name operators that differ")
@store_option
def cortex_m_files(
    model: str, runner: str, target: str, recipes: tuple[str, ...], io_layout: IoLayout | None, timeout: float,
    trace: bool, store_url: str | None,
) -> None:  # fmt: skip
    """Have the `.pte` files of MODEL by recipes run by a command of yours."""
    command = command_of(runner)
    tasks.warm_up()
    job = Job(model, Target.parse(target), cache_folder(), seed=0, io_layout=io_layout)
    try:
        recipes = recipes or _known(job, store_url)
        base = BACKEND.lower(job)
        programs = BACKEND.programs(job, base)
    except ModelError as fault:
        raise click.ClickException(str(fault)) from fault
    inputs = base.samples[0]
    click.echo("\n".join(row(*_HEADER, header=True)))
    for recipe in recipes:
        try:
            candidate = programs.by(Recipe.parse(recipe))
            cost = programs.cost(candidate)
        except (SpaceError, CompilerRefused) as fault:
            click.echo("\n".join(row(model, f"`{recipe}`", f"not lowered: {fault}", *[""] * 5)))
            continue
        expected = expected_of(programs.lowered(candidate), inputs, job.target.instruction_set)
        found = tried(command, programs.file(candidate).content, inputs, expected, timeout)
        counted, error = "", ""
        if found.counted is not None:
            counted = f"{found.counted.count:,} {found.counted.unit}"
            if found.counted.unit == "instructions":
                error = f"{100 * (cost['instructions'] / found.counted.count - 1):+.2f}"
        guards = programs.executed(candidate, whole=True, on_all=True, is_default=False).reason or "pass"
        predicted = f"{cost['instructions']:,}"
        cells = (found.outcome, counted, predicted, error, str(cost["uncosted"]), guards)
        click.echo("\n".join(row(model, f"`{recipe}`", *cells)))
    for recipe in recipes if trace else ():
        lowered = programs.lowered(programs.by(Recipe.parse(recipe)))
        click.echo(f"\n`{recipe}`, every operator on the processor's own values:\n")
        try:
            click.echo("\n".join(_traced(traced(command, lowered, inputs, job.target.instruction_set, timeout))))
        except ModelError as fault:
            click.echo(f"{fault}")


def _traced(found: Sequence[Computed]) -> Iterator[str]:
    """The operators that differ, and how many do not."""
    differing = [one for one in found if one.differing]
    if differing:
        yield from row(*_TRACED, header=True)
    for one in differing:
        share = f"{one.differing:,} of {one.values:,}"
        yield from row(
            f"`{one.name}`", "float" if one.in_float else "integers", share, f"{one.gap:.2g}", f"{one.largest:.2g}"
        )
    if differing:
        yield ""
    yield f"{len(found) - len(differing)} of {len(found)} values between operators are those that Python computes."


def _known(job: Job[Target], store_url: str | None) -> tuple[str, ...]:
    """The default lowering, and the best recipe that the store knows for a job, if it knows one."""
    with Store.open(store_url) as store:
        best = store.bests.get(identity_for(job, Objective()).key)
    return tuple(dict.fromkeys(("default", *([best.best.recipe] if best else []))))


if __name__ == "__main__":
    cortex_m_files()
