"""`velatune lookup`"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from results.lookup.answer_json import lookup_json
from results.lookup.lookup import Hit, Miss, Nearest, Stale
from results.reports.brief import brief
from results.store.tiers import Tiers
from tuner.commands.options import (
    board_options,
    json_option,
    model_options,
    objective_options,
    store_option,
    system_store_option,
    target_option,
)
from tuner.commands.unknown_model import changes_since, nothing_known
from tuner.deploy.ask import ask
from tuner.deploy.board_options import BoardOptions
from tuner.deploy.how_to_tune import how_to_tune
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers.backend.job import Job
from workers.models.exported.io_layout import IoLayout

_EXIT_STATUS = {Hit: 0, Stale: 3, Miss: 4, Nearest: 5}


@click.command()
@click.argument("model")
@target_option
@board_options
@objective_options
@model_options
@store_option
@system_store_option
@json_option
def lookup(
    model: str, target: str, board: BoardOptions, seed: int,
    calibration_data: Path | None, io_layout: IoLayout | None, objective: Objective, store_url: str | None,
    system_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Print the best known recipe for MODEL; never tunes.

    \b
    Exit status:
      0  hit: found for this very model, target and toolchain
      3  stale: found with other versions of the toolchain; a recipe to try
      4  miss: nothing is known
      5  nearest: found for a model of the same structure; a recipe to try
      2  the question cannot be answered, one line says why
    """
    device = board.target(target)
    job = Job(model, device, cache_folder(), seed, calibration_data, io_layout, objective.allowance)
    how = how_to_tune(job, objective, store_url)
    with Tiers.open(store_url, system_url) as stores:
        found, identity = ask(stores, job, objective, cache_folder() / "logs")
        unknown = nothing_known(stores.user, identity, job, how) if isinstance(found, Miss) else ""
        changed = changes_since(stores.user, identity) if isinstance(found, Nearest) else ""
        measurements = stores.user.measurements.all(identity.target)
        simulated = [] if isinstance(found, Miss) else stores.user.simulations.of(found.best.identity.key)
        whole = stores.user.evaluations.get(identity.key, found.best.recipe) if isinstance(found, Hit) else None
    if as_json:
        click.echo(json.dumps(lookup_json(found, identity.key, simulated, measurements), indent=2))
    elif isinstance(found, Miss):
        click.echo(unknown, err=True)
    else:
        if isinstance(found, Stale):
            click.echo(f"stale: {found.reason}; run: {how}", err=True)
        elif isinstance(found, Nearest):
            reason = f"{found.reason}; {changed}" if changed else found.reason
            click.echo(f"nearest: {reason}; a recipe to try with velatune apply --recipe, or run: {how}", err=True)
        elif not found.best.best.verified:
            click.echo("imported, not verified here; velatune apply checks it", err=True)
        if isinstance(found, Hit):
            operators = whole.operators if whole is not None else ()
            click.echo(brief(found.best, measurements, device.clock_hz, operators), err=True)
        click.echo(found.best.recipe)
    sys.exit(_EXIT_STATUS[type(found)])
