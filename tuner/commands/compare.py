"""`velatune compare`"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import click

from results.errors import StoreError
from results.records.best import Best
from results.records.identity import Identity
from results.reports.comparison import Comparison, Side
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.commands.options import board_options, json_option, model_options, objective_options, store_option
from tuner.commands.unknown_model import nothing_known
from tuner.deploy.apply import applied
from tuner.deploy.ask import identity_for
from tuner.deploy.board_options import BoardOptions
from tuner.deploy.how_to_tune import how_to_tune
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers.backend.job import Job
from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout
from workers.pool.interrupts import run_interruptible

_IDENTITY = re.compile(r"[0-9a-f]{8,64}")
_VERSION = re.compile(r"([A-Za-z0-9._-]+)=(\S+)")


@dataclass(frozen=True)
class _Model:
    """What recipes are tried on, and what versions are looked up for."""

    job: Job
    identity: Identity
    objective: Objective


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--model", metavar="MODEL", help="what recipes, versions and `best` are about")
@click.option("--target", metavar="NPU", help="such as ethos-u55-128 or ethos-u85-256")
@board_options
@objective_options
@model_options
@store_option
@click.option("--other-store", metavar="URL", help="where B is known  [default: where A is]")
@json_option
def compare(
    a: str, b: str, model: str | None, target: str | None, board: BoardOptions, seed: int,
    calibration_data: Path | None, io_layout: IoLayout | None,
    objective: Objective, store_url: str | None, other_store: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show two results side by side, operator by operator: A and B.

    Each is a recipe, which is evaluated; `best` is the best known one. Versions, such as ethos-u-vela=5.1.0, are the
    best that was found with them. All are of --model on --target. Or an identity, as `velatune tune --json` prints it
    (8 digits will do). That is the best stored under it, of whatever model.
    """
    about = None
    if model is not None and target is not None:
        device = board.target(target)
        job = Job(model, device, cache_folder(), seed, calibration_data, io_layout, objective.allowance)
        about = _Model(job, identity_for(job, objective), objective)
    other_store = other_store or store_url
    with Store.open(store_url) as store, Store.open(other_store) as other:
        sides = [_known(a, about, store, store_url), _known(b, about, other, other_store)]
        recipes = {str(one): None for one in sides if isinstance(one, Recipe)}
        evaluated = {}
        if about is not None and recipes:
            work = applied(about.job, about.objective, recipes, store, cache_folder() / "logs")
            evaluated = {
                one.recipe: Side(about.identity, one) for one in run_interruptible(work, cache_folder() / "logs")
            }
    found = Comparison(*(evaluated[str(one)] if isinstance(one, Recipe) else one for one in sides))
    click.echo(json.dumps(found.to_json(), indent=2) if as_json else found.to_text())


def _known(text: str, about: _Model | None, store: Store, store_url: str | None) -> Side | Recipe:
    """What the store has, or a recipe that is to be evaluated."""
    if _IDENTITY.fullmatch(text):
        return _of_best(_identified(text, store))
    if about is None:
        raise ModelError(f"'{text}' is no identity: say of which --model on which --target")
    if _names_versions(text, about.identity.versions):
        return _of_best(_with_versions(dict(part.split("=", 1) for part in text.split(",")), about, store))
    if text == "best":
        best = store.bests.get(about.identity.key)
        if best is None:
            how = how_to_tune(about.job, about.objective, store_url)
            raise ModelError(nothing_known(store, about.identity, about.job, how))
        return _of_best(best)
    return Recipe.parse(text)


def _names_versions(text: str, versions: Collection[str]) -> bool:
    # A recipe may look alike: a choice and its alternative. No choice is called as a distribution is.
    parts = [_VERSION.fullmatch(part) for part in text.split(",")]
    return all(part is not None and part[1] in versions for part in parts)


def _identified(text: str, store: Store) -> Best:
    found = [best for best in store.bests.all() if best.identity.key.startswith(text)]
    if len(found) != 1:
        raise StoreError(f"the store {store.location} has {len(found) or 'no'} bests whose identity begins with {text}")
    return found[0]


def _with_versions(wanted: dict[str, str], about: _Model, store: Store) -> Best:
    """The newest one with these versions."""
    bests = store.lookups.known(about.identity)
    for one in bests:
        if all(one.identity.versions.get(name) == version for name, version in wanted.items()):
            best = store.bests.get(one.identity.key)
            if best is not None:  # what comes from a file was not evaluated here
                return best
    known = {name: sorted({best.identity.versions.get(name, "") for best in bests}) for name in wanted}
    there = ", ".join(f"{name} {' or '.join(versions) or 'none'}" for name, versions in known.items())
    raise StoreError(
        f"the store {store.location} has no best of {about.job.source} with these versions; it has {there}"
    )


def _of_best(best: Best) -> Side:
    return Side(best.identity, best.best)
