"""The candidates that were proposed and whose results are not reported yet."""

from __future__ import annotations

from collections.abc import Container

from search_space.recipe.recipe import Recipe
from tuner.search.graph.program_graph import ProgramGraph


class Window:
    """The candidates that were proposed and whose results the search does not have yet.

    Attributes:
        evaluations: how many answers there were when it was last filled.
        pending: the programs and recipes in it.
        expanding: known recipes in it, whose successors are to be found out.
    """

    def __init__(self, evaluations: int, states: ProgramGraph, tried: Container[Recipe]) -> None:
        """Begin empty.

        Args:
            evaluations: how many answers there were so far.
            states: what is known of programs.
            tried: recipes that were evaluated.
        """
        self.evaluations, self.pending, self.expanding = evaluations, set[str](), set[Recipe]()
        self._states, self._tried = states, tried

    def take(self, recipe: Recipe) -> bool:
        """Whether a recipe is open. If so, it is in the window from now on. An open one was not tried. It leads to no
        program that is known to be evaluated or in the window.
        """
        program = self._states.known_program(recipe)
        if recipe in self._tried or program in self._states or self.pending & {str(recipe), program}:
            return False
        self.pending |= {str(recipe), program} - {""}
        return True
