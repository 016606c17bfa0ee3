"""What is to be proven: models, targets, recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tuner.deploy.best_recipe import best_recipe
from workers.errors import ModelError

DEFAULT, BEST = "default", "best"

#: (model, accelerator) -> recipe
Recipes = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Case:
    """A model lowered for an accelerator by a recipe.

    Attributes:
        kind: `default` or `best`.
    """

    model: str
    accelerator: str
    kind: str
    recipe: str


def best_in_store(model: str, accelerator: str, store: str | None) -> str | None:
    """What `velatune lookup` prints for them; None if nothing is known.

    The model is exported for this. Raises StoreError if the store cannot be read.

    Args:
        store: as `--store`.
    """
    with suppress(ModelError):
        return best_recipe(model, accelerator, store=store)
    return None


def bests_in(file: Path) -> Recipes:
    """Those of what `velatune tune --json` printed. Raises ModelError if the file is something else."""
    try:
        outcomes = json.loads(file.read_text())
        return {(one["model"], one["target"]): one["recipe"] for one in outcomes if one["status"] != "failed"}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{file}: not what `velatune tune --json` prints ({type(error).__name__}: {error})") from error
