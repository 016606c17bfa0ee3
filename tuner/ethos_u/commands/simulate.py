"""`velatune simulate`"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from results.records.evaluation import Evaluation, Simulation
from results.records.identity import Identity
from results.records.measurement import Measurement
from results.reports.prediction_error import error_for
from results.store.store import Store
from tuner.commands.options import (
    ABOVE_ZERO,
    board_options,
    model_options,
    objective_options,
    store_option,
    target_option,
)
from tuner.commands.unknown_model import nothing_known
from tuner.deploy.ask import identity_for
from tuner.deploy.board_options import BoardOptions
from tuner.deploy.how_to_tune import how_to_tune
from tuner.ethos_u.simulations import contenders, simulations
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers.backend.job import Job
from workers.errors import ModelError
from workers.ethos_u.cost.simulator.fvp import Fvp
from workers.ethos_u.target import Target
from workers.models.exported.io_layout import IoLayout


def _address(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,16}", value):
        raise click.BadParameter("must be a hexadecimal address such as 0x38000000")
    return value


@click.command()
@click.argument("model")
@target_option
@board_options
@click.option("--best", type=click.IntRange(1), default=3, help="so many of the cheapest known recipes")
@click.option(
    "--runner", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="ELF",
    help="ExecuTorch's arm_executor_runner, built for a program at --pte-address",
)  # fmt: skip
@click.option(
    "--fvp", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH",
    help="Arm's Corstone simulator  [default: the target's on the PATH]",
)  # fmt: skip
@click.option("--pte-address", callback=_address, default="0x38000000", metavar="ADDRESS", help="as built into the ELF")
@click.option("--timeout", type=ABOVE_ZERO, default=600.0, metavar="SECONDS", help="of one simulation")
@objective_options
@model_options
@store_option
def simulate(
    model: str, target: str, board: BoardOptions, best: int,
    runner: Path, fvp: Path | None, pte_address: str, timeout: float, seed: int, calibration_data: Path | None,
    io_layout: IoLayout | None, objective: Objective, store_url: str | None,
) -> None:  # fmt: skip
    """Run the default lowering and the best known recipes of MODEL on Arm's Corstone FVP; never tunes.

    What its NPU counts is stored as simulated, beside the prediction. It is printed with the fewest cycles first. See
    docs/fvp.md for what has to be installed.
    """
    device = Target.parse(target, **board.facts)
    simulator = Fvp.find(device, fvp, runner, pte_address, timeout)
    job = Job(model, device, cache_folder(), seed, calibration_data, io_layout, objective.allowance)
    identity = identity_for(job, objective)
    folder = cache_folder() / "simulations" / identity.key[:16]
    folder.mkdir(parents=True, exist_ok=True)
    results: list[tuple[Evaluation, Simulation]] = []
    failures = 0
    with Store.open(store_url) as store:
        chosen = contenders(store.evaluations.of(identity.key), objective.on(device.backend), best)
        if not chosen:
            raise ModelError(nothing_known(store, identity, job, how_to_tune(job, objective, store_url)))
        measurements = store.measurements.all()
        for one, found in simulations(job, objective, chosen, simulator, store, folder, cache_folder() / "logs"):
            if isinstance(found, Simulation):
                results.append((one, found))
            else:
                failures += 1
                click.echo(f"error: {model}: the simulation of '{one.recipe}' gave nothing, {found}", err=True)
    results.sort(key=lambda pair: pair[1].npu_cycles)
    if results:
        _print(results, identity, measurements)
    if failures:
        sys.exit(2)


def _print(
    results: Sequence[tuple[Evaluation, Simulation]], identity: Identity, measurements: Sequence[Measurement]
) -> None:
    headings = ("   simulated", "stream (predicted)", "Vela (predicted)")
    error = error_for(identity, measurements, results[0][0].operators)
    off = f"; stream cycles are off by {error.on_basis}" if error is not None else ""
    click.echo(f"cycles of the NPU in one inference{off}:")
    click.echo("  ".join([*headings, "recipe"]))
    for evaluation, simulation in results:
        figures = evaluation.figures
        assert figures is not None  # a candidate that was verified has them
        cycles = (simulation.npu_cycles, figures["stream_cycles"], figures["vela_cycles"])
        columns = (f"{value:>{len(heading)},}" for value, heading in zip(cycles, headings, strict=True))
        click.echo("  ".join([*columns, evaluation.recipe]))
