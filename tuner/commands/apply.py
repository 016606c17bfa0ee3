"""`velatune apply`"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from results.lookup import Hit, Stale, lookup
from results.store import Store
from tuner.apply import applied
from tuner.commands.options import board_options, model_options, objective_options, store_option, target_option
from tuner.commands.unknown import nothing_known
from tuner.identity import identity_of
from tuner.objective import Objective
from tuner.paths import cache_folder
from tuner.progress import proof
from workers.base_program import identify
from workers.errors import ModelError
from workers.io_layout import IoLayout
from workers.pte import interface_of
from workers.target import Target
from workers.tasks import Job


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
def apply(
    model: str, target: str, system_config: str | None, memory_mode: str | None, vela_config: str | None, out: Path,
    recipe: str | None, seed: int, calibration_data: Path | None, io_layout: IoLayout | None, objective: Objective,
    store_url: str | None,
) -> None:  # fmt: skip
    """Lower MODEL with the best known recipe and write the .pte for ExecuTorch's Ethos-U runtime.

    The recipe is checked again on this very model; a file is written only if its command streams are those that were
    evaluated.
    """
    board = Target.parse(target, system_config, memory_mode, vela_config)
    job = Job(model, board, cache_folder(), seed, calibration_data, io_layout, objective.allowance)
    identified = identify(model, board, seed=seed, calibration_data=calibration_data, io_layout=io_layout)
    identity = identity_of(identified, board, objective)
    with Store.open(store_url) as store:
        if recipe is None:
            found = lookup(store, identity)
            if isinstance(found, Stale):
                click.echo(f"warning: {found.reason}; the recipe is checked and evaluated anew", err=True)
            elif not isinstance(found, Hit):
                raise ModelError(nothing_known(store, identity, board))
            recipe = found.best.recipe
        (evaluation,) = asyncio.run(applied(job, objective, {recipe: out}, store, cache_folder() / "logs"))
    figures = evaluation.figures
    assert figures is not None  # an evaluation that is ok has them
    click.echo(f"{out}: {figures.cycles:,} cycles (predicted) by {evaluation.recipe}, {proof(evaluation)}")
    if layouts := str(interface_of(out.read_bytes(), str(out))):
        click.echo(f"{out}: {layouts}")
