"""`velatune lookup`"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from results.lookup import Hit, Miss, Stale
from results.lookup import lookup as look_up
from results.records import Simulation
from results.store import Store
from results.summary import tune_json
from tuner.commands.options import (
    board_options,
    json_option,
    model_options,
    objective_options,
    store_option,
    target_option,
)
from tuner.commands.unknown import nothing_known
from tuner.identity import identity_of
from tuner.objective import Objective
from workers.base_program import identify
from workers.io_layout import IoLayout
from workers.target import Target


@click.command()
@click.argument("model")
@target_option
@board_options
@objective_options
@model_options
@store_option
@json_option
def lookup(
    model: str, target: str, system_config: str | None, memory_mode: str | None, vela_config: str | None, seed: int,
    calibration_data: Path | None, io_layout: IoLayout | None, objective: Objective, store_url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Print the best known recipe for MODEL; never tunes.

    Exit status: 0 for a hit, 3 for a stale result (another toolchain: a recipe to try), 4 for a miss.
    """
    board = Target.parse(target, system_config, memory_mode, vela_config)
    identified = identify(model, board, seed=seed, calibration_data=calibration_data, io_layout=io_layout)
    identity = identity_of(identified, board, objective)
    with Store.open(store_url) as store:
        found = look_up(store, identity)
        unknown = nothing_known(store, identity, board) if isinstance(found, Miss) else ""
        simulated = [] if isinstance(found, Miss) else store.simulations(found.best.identity.key)
    if as_json:
        click.echo(json.dumps(_json(found, simulated), indent=2))
    elif isinstance(found, Miss):
        click.echo(unknown, err=True)
    else:
        if isinstance(found, Stale):
            click.echo(f"stale: {found.reason}; run velatune tune again", err=True)
        click.echo(found.best.recipe)
    sys.exit({Hit: 0, Stale: 3, Miss: 4}[type(found)])


def _json(found: Hit | Stale | Miss, simulated: Sequence[Simulation]) -> dict[str, Any]:
    if isinstance(found, Miss):
        return {"answer": "miss", "identity": found.identity.key}
    answer: dict[str, Any] = {
        "answer": "hit" if isinstance(found, Hit) else "stale",
        "best": tune_json(found.best),
        "simulated": [one.to_json() for one in simulated if one.recipe == found.best.recipe],
    }
    if isinstance(found, Stale):
        answer["reason"] = found.reason
    return answer
