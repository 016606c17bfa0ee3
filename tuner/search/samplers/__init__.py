"""Samplers propose the candidates of a search and learn their results. One module adapts Optuna's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol, get_args

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate
from tuner.search.graph.program_graph import ProgramGraph
from tuner.search.graph.state import Edge
from tuner.search.samplers.greedy import Greedy
from tuner.search.samplers.local_search import LocalSearch
from tuner.search.samplers.optuna_sampler import OptunaSampler
from tuner.search.samplers.window import Window

SamplerName = Literal["local-search", "greedy", "tpe", "nsga2", "random"]
SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)


class Sampler(Protocol):
    """Proposes candidates; `begin` says what is under way, each time before more are proposed."""

    def begin(self, window: Window) -> None: ...

    def root(self, recipe: Recipe) -> Candidate | None:
        """A recipe that is tried before all others; None if it is under way or was tried."""

    def propose(self) -> Candidate | None:
        """The next one; None if nothing is left until more answers come."""

    def parameters(self, recipe: Recipe) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """As in `Result`, of a recipe that was proposed and not reported."""

    def learn(self, recipe: Recipe, answer: Answer, better: bool, was_proposed: bool) -> Collection[Recipe]:
        """Take in what a recipe came to.

        Args:
            recipe: the candidate.
            answer: what it turned out to be.
            better: it is the new best.
            was_proposed: by this sampler; else it came from elsewhere.

        Returns:
            Recipes under way that are not wanted any more. They were proposed in the hope that this one would come to
            something else.
        """

    def learn_steps(self, edges: list[Edge]) -> None:
        """What single passes were found to bring."""


def sampler_by(name: SamplerName, states: ProgramGraph, seed: int, passes: Sequence[str]) -> Sampler:
    """The sampler of a name, for one search.

    Args:
        name: one of `SAMPLERS`.
        states: what is known of programs.
        seed: of all that is drawn.
        passes: that a sampler of Optuna's makes recipes of.

    Returns:
        The sampler.
    """
    if name == "local-search":
        return LocalSearch(states, seed)
    if name == "greedy":
        return Greedy(states)
    return OptunaSampler(name, states, seed, passes)


__all__ = ["SAMPLERS", "Sampler", "SamplerName", "Window", "sampler_by"]
