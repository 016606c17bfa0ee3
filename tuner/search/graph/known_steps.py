"""Known steps: which pass led from which program to which, by the recipes that were evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from search_space.recipe.recipe import Recipe


class KnownSteps:
    """The steps on the ways of evaluated recipes; also between programs that were not evaluated themselves."""

    def __init__(self) -> None:
        self._starts: dict[tuple[tuple[str, str], ...], str] = {}
        self._after: dict[str, dict[str, str]] = {}
        self._before: dict[str, dict[tuple[str, str], None]] = {}

    def learn(self, recipe: Recipe, path: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        """Remember which programs a recipe's passes lead through.

        Args:
            recipe: what was evaluated.
            path: as of `tuner.search.candidates.Answer`; empty if it is not known.

        Yields:
            The steps that were not known and change something: program, pass, program.
        """
        if not path:
            return
        self._starts[recipe.choices] = path[0]
        for (before, after), one in zip(pairwise(path), map(str, recipe.passes), strict=True):
            if one not in self._after.setdefault(before, {}):
                self._after[before][one] = after
                if after != before:
                    self._before.setdefault(after, {})[before, one] = None
                    yield before, one, after

    def start(self, recipe: Recipe) -> str:
        """The program that the recipe's choices give; empty if no recipe with them was evaluated."""
        return self._starts.get(recipe.choices, "")

    def after(self, program: str) -> Mapping[str, str]:
        """Pass -> program, the same one for a pass that changed nothing."""
        return self._after.get(program, {})

    def towards(self, program: str) -> list[tuple[str, str]]:
        """The steps that lead to a program: from which by which pass."""
        return list(self._before.get(program, ()))
