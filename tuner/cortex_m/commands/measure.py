"""`velatune measure`"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from results.records.evaluation import Evaluation
from results.records.identity import Identity
from results.records.measurement import Measurement
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.commands.options import ABOVE_ZERO, model_options, objective_options, store_option
from tuner.commands.unknown_model import nothing_known
from tuner.deploy.ask import identity_for
from tuner.deploy.how_to_tune import how_to_tune
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers import tasks
from workers.backend.job import Job
from workers.cortex_m.run.recipe_run import run_recipe
from workers.cortex_m.run.runner import Counted
from workers.cortex_m.target import COUNTED_WITH, Target
from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout
from workers.pool.failures import WorkerLost
from workers.pool.interrupts import run_interruptible
from workers.pool.local_pool import LocalPool

#: For lowering, beside the runner's own time.
_SECONDS = 1800.0


def command_of(runner: str) -> list[str]:
    """The words of an option `--runner`.

    Args:
        runner: the option's value, in a shell's syntax.

    Returns:
        The command and its arguments.

    Raises:
        click.UsageError: there are none.
    """
    command = shlex.split(runner)
    if not command:
        raise click.UsageError("--runner names no command")
    return command


@click.command()
@click.argument("model")
@click.option("--target", required=True, metavar="NAME", help="such as cortex-m55")
@click.option("--runner", required=True, metavar="CMD", help="what runs a .pte; a folder is added as its last argument")
@click.option("--device", required=True, metavar="NAME", help="what you call the board or emulator")
@click.option(
    "--label",
    type=click.Choice(["simulated", "measured"]),
    required=True,
    help="by an emulator, or on hardware",
)
@click.option("--timeout", type=ABOVE_ZERO, default=600.0, metavar="SECONDS", help="of one run")
@objective_options
@model_options
@store_option
def measure(
    model: str, target: str, runner: str, device: str, label: Literal["simulated", "measured"], timeout: float,
    seed: int, calibration_data: Path | None, io_layout: IoLayout | None, objective: Objective, store_url: str | None,
) -> None:  # fmt: skip
    """Run the default lowering and the best known recipe of MODEL by a command of yours; never tunes.

    Outputs are compared bit for bit. What the command counted is stored beside what was predicted, and printed. See
    docs/cortex-m.md for what the command has to do.
    """
    command = command_of(runner)
    job = Job(model, Target.parse(target), cache_folder(), seed, calibration_data, io_layout, objective.allowance)
    identity = identity_for(job, objective)
    with Store.open(store_url) as store:
        chosen = _chosen(store, identity)
        if not chosen:
            raise ModelError(nothing_known(store, identity, job, how_to_tune(job, objective, store_url)))
        click.echo(f"one inference on {device}, outputs equal bit for bit:")
        for one, counted in run_interruptible(_all_counted(job, chosen, command, timeout), cache_folder() / "logs"):
            measurement = _measurement(identity, one, counted, device, label, command)
            store.measurements.record_all([measurement])
            off = f", off by {measurement.error_percent:+.1f} %" if counted.unit == "instructions" else ""
            click.echo(
                f"{counted.count:,} {counted.unit} ({label}), {measurement.predicted_cycles:,} instructions "
                f"(predicted{off}): {one.recipe}"
            )


def _chosen(store: Store, identity: Identity) -> list[Evaluation]:
    """The default lowering, if it is right, and the best."""
    best = store.bests.get(identity.key)
    if best is None:
        return []
    default = store.evaluations.get(identity.key, str(Recipe()))
    found = [one for one in (default, best.best) if one is not None and one.verified]
    return list({one.recipe: one for one in found}.values())


async def _all_counted(
    job: Job[Target], chosen: Sequence[Evaluation], command: Sequence[str], timeout: float
) -> list[tuple[Evaluation, Counted]]:
    # In a worker, since what is lowered must not depend on this process's hash seed.
    async with LocalPool(1, cache_folder() / "logs", tasks.warm_up) as pool:
        found = []
        for one in chosen:
            (sha256,) = one.command_stream_sha256
            try:
                counted = await pool.run(
                    run_recipe, job, one.recipe, sha256, command, timeout, timeout_seconds=_SECONDS + timeout
                )
            except WorkerLost as lost:
                raise ModelError(f"{job.source}: '{one.recipe}' cannot be run, {lost}") from lost
            found.append((one, counted))
        return found


def _measurement(
    identity: Identity, one: Evaluation, counted: Counted, device: str, label: Literal["simulated", "measured"],
    command: Sequence[str],
) -> Measurement:  # fmt: skip
    assert one.figures is not None  # it is verified
    # What was counted in another unit says nothing about predictions for the target.
    unit = {} if counted.unit == "instructions" else {"unit": counted.unit}
    facts = identity.target.facts
    return Measurement(
        target=replace(identity.target, facts={**facts, **unit}),
        device=device,
        label=label,
        program=f"{identity.model_name}, {one.recipe}",
        program_sha256=one.command_stream_sha256[0],
        cycles=counted.count,
        predicted_cycles=max(1, one.figures["instructions"]),
        model_version=COUNTED_WITH,
        parts=(one.recipe,),
        board_facts=json.dumps(facts),
        source=" ".join(command),
    )
