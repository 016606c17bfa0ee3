"""What a search knows of one program, and what a pass changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import value_of
from tuner.search.neighbours import Sites


@dataclass(frozen=True)
class State:
    """A program that was evaluated.

    Attributes:
        recipe: the first one found that leads to it.
        cycles: the objective, None if it is not right.
        successors: pass -> program hash, None until it is expanded.
        sites: of the recipe's passes, as in `tuner.search.neighbours`, None if they are not known.
        violation: by which part of a limit it exceeds the limits. If more than 0, it is not offered but may be
            extended.
    """

    program: str
    recipe: Recipe
    cycles: int | None
    successors: Mapping[str, str] | None
    sites: Sites | None
    violation: float = 0.0

    @property
    def value(self) -> float:
        """How promising it is to go on from here."""
        return value_of(self.cycles, self.violation)


@dataclass(frozen=True)
class Edge:
    """One pass, or choice, and by how much it changed a program's value; `inf` if the result is not right."""

    one: str
    change: float
