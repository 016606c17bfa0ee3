"""What is to be proven: models, targets, recipes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tuner.ahead_of_time import best_recipe
from workers.errors import ModelError

DEFAULT, BEST = "default", "best"

#: (model, accelerator) -> recipe
Recipes = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Case:
    """A model lowered for an accelerator by a recipe. kind: `default` or `best`."""

    model: str
    accelerator: str
    kind: str
    recipe: str


def cases(models: Iterable[str], accelerators: Iterable[str], bests: Recipes) -> Iterator[Case]:
    """Of each model on each accelerator the default lowering, and the best one where it is known and another."""
    for accelerator in accelerators:
        for model in models:
            yield Case(model, accelerator, DEFAULT, DEFAULT)
            best = bests.get((model, accelerator), DEFAULT)
            if best != DEFAULT:
                yield Case(model, accelerator, BEST, best)


def bests_in_store(models: Iterable[str], accelerators: Iterable[str]) -> Recipes:
    """What `velatune lookup` prints for them, as far as anything is known."""
    found = {}
    for accelerator in accelerators:
        for model in models:
            with suppress(ModelError):
                found[model, accelerator] = best_recipe(model, accelerator)
    return found


def bests_in(file: Path) -> Recipes:
    """Those of what `velatune tune --json` printed. Raises ModelError if the file is something else."""
    try:
        outcomes = json.loads(file.read_text())
        return {(one["model"], one["target"]): one["recipe"] for one in outcomes if one["status"] != "failed"}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{file}: not what `velatune tune --json` prints ({type(error).__name__}: {error})") from error
