"""What a search asks for, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import optuna

from search_space.recipe import Recipe
from tuner.neighbours import Sites


@dataclass(frozen=True)
class Candidate:
    """A recipe to evaluate, and the trial that waits for the answer."""

    recipe: Recipe
    trial: optuna.Trial


@dataclass(frozen=True)
class Answer:
    """What an evaluation says to the search.

    cycles: None for a candidate that is not right. violation: by which part it is beyond the limits, 0 if it is not.
    sites: of the recipe's passes, as in `tuner.neighbours`.
    """

    program: str
    cycles: int | None
    successors: Mapping[str, str]
    violation: float = 0.0
    sites: Sites = field(default_factory=dict)
