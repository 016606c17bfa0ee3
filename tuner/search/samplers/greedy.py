"""A baseline: always extends the cheapest program by one pass."""

from __future__ import annotations

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate
from tuner.search.graph.program_graph import ProgramGraph
from tuner.search.graph.state import Edge
from tuner.search.samplers.window import Window


class Greedy:
    """Learns nothing. How it does shows what learning is worth."""

    def __init__(self, states: ProgramGraph) -> None:
        """Propose for one search.

        Args:
            states: what is known of programs.
        """
        self._states = states
        self._window = Window(0, states, ())

    def begin(self, window: Window) -> None:
        self._window = window

    def root(self, recipe: Recipe) -> Candidate | None:
        return Candidate(recipe) if self._window.take(recipe) else None

    def propose(self) -> Candidate | None:
        return next(filter(None, map(self.root, self._states.frontier())), None)

    def parameters(self, recipe: Recipe) -> dict[str, tuple[str, tuple[str, ...]]]:
        """None: recipes are not drawn as parameters."""
        return {}

    def learn(self, recipe: Recipe, answer: Answer, better: bool, was_proposed: bool) -> tuple[()]:
        """Nothing is learned beyond what the states hold.

        Args:
            recipe: the candidate.
            answer: what it turned out to be.
            better: it is the new best.
            was_proposed: by this sampler.

        Returns:
            Nothing: all that is under way stays wanted.
        """
        return ()

    def learn_steps(self, edges: list[Edge]) -> None:
        """Nothing."""
