"""`velatune apply`"""

from __future__ import annotations

from pathlib import Path

import click

from results.lookup.lookup import Miss, Nearest, Stale
from results.records.clock import timed
from results.reports.prediction_error import error_for, labelled
from results.store.tiers import Tiers
from tuner.commands.options import (
    board_options,
    model_options,
    objective_options,
    store_option,
    system_store_option,
    target_option,
)
from tuner.commands.unknown_model import changes_since, nothing_known
from tuner.deploy.apply import adopt, applied
from tuner.deploy.ask import ask
from tuner.deploy.board_options import BoardOptions
from tuner.deploy.how_to_tune import how_to_tune
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from tuner.tuning.progress import proof
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout
from workers.pool.interrupts import run_interruptible


@click.command()
@click.argument("model")
@target_option
@board_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="the .pte to write",
)
@click.option("--recipe", metavar="TEXT", help="lower by this recipe instead of the best known one")
@objective_options
@model_options
@store_option
@system_store_option
def apply(
    model: str, target: str, board: BoardOptions, out: Path,
    recipe: str | None, seed: int, calibration_data: Path | None, io_layout: IoLayout | None, objective: Objective,
    store_url: str | None, system_url: str | None,
) -> None:  # fmt: skip
    """Lower MODEL with the best known recipe and write the .pte for ExecuTorch's Ethos-U runtime.

    The recipe is checked again on this very model, wherever it comes from. A file is written only if its outputs are
    right. Its command streams must be those that were evaluated.
    """
    device = board.target(target)
    job = Job(model, device, cache_folder(), seed, calibration_data, io_layout, objective.allowance)
    log_dir = cache_folder() / "logs"
    with Tiers.open(store_url, system_url) as stores:
        claimed, idle = None, _note if recipe is not None else None
        if recipe is None:
            found, identity = ask(stores, job, objective, log_dir)
            if isinstance(found, Miss):
                how = how_to_tune(job, objective, store_url)
                raise ModelError(nothing_known(stores.user, identity, job, how))
            recipe = found.best.recipe
            if isinstance(found, Nearest):
                why = changes_since(stores.user, identity)
                raise ModelError(
                    f"nothing is known of {model} itself on {device.label}{why and f', since {why}'}; a recipe was "
                    f"{found.reason}; try it: --recipe '{recipe}'"
                )
            if isinstance(found, Stale):
                click.echo(f"warning: {found.reason}; the recipe is checked and evaluated anew", err=True)
            elif not found.best.best.verified:
                claimed = found.best
        (evaluation,) = run_interruptible(applied(job, objective, {recipe: out}, stores.user, log_dir, idle), log_dir)
        if claimed is not None:
            adopt(claimed, evaluation, objective, stores.user)
        of = stores.user.identities.get(evaluation.identity_key)
        measurements = stores.user.measurements.all()
    figures = evaluation.figures
    assert figures is not None  # an evaluation that is ok has them
    error = error_for(of, measurements, evaluation.operators) if of is not None else None
    label = labelled(figures.label, error)
    backend = backend_of(device.backend)
    cost = timed(backend.cost_text(figures.cycles, figures.metrics), figures.cycles, device.clock_hz)
    click.echo(f"{out}: {cost} ({label}) by {evaluation.recipe}, {proof(evaluation)}")
    for remark in backend.remarks(out):
        click.echo(f"{out}: {remark}")


def _note(line: str) -> None:
    click.echo(f"note: {line}", err=True)
