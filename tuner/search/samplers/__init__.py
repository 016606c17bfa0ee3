"""Who proposes what to try next. Each sampler asks for candidates through one Optuna study, and is told through it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Literal, Protocol, get_args

import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate
from tuner.search.program_graph import Edge, ProgramGraph, State
from tuner.search.samplers.greedy import Greedy
from tuner.search.samplers.local_search import LocalSearch
from tuner.search.samplers.optuna_samplers import FixedSlots
from tuner.search.samplers.window import Window

SamplerName = Literal["local-search", "greedy", "tpe", "nsga2", "random"]
SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)

#: Optuna's own; made anew for each answer from a seed, so that a run that was killed can go on as if it was not.
_OPTUNAS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed, n_startup_trials=16),
    "nsga2": lambda seed: NSGAIISampler(seed=seed, population_size=16),
    "random": lambda seed: RandomSampler(seed=seed),
}


class Sampler(Protocol):
    """Proposes candidates; `begin` says what is under way, each time before more are proposed."""

    def begin(self, window: Window) -> None: ...

    def root(self, recipe: Recipe) -> Candidate | None:
        """A recipe that is tried before all others; None if it is under way or was tried."""

    def propose(self) -> Candidate | None:
        """The next one; None if nothing is left until more is told."""

    def learn(self, recipe: Recipe, answer: Answer, better: bool) -> Collection[Recipe]:
        """Take in what a recipe came to.

        Args:
            recipe: the candidate.
            answer: what it turned out to be.
            better: it is the new best.

        Returns:
            Recipes under way that are not wanted any more: they were proposed in the hope that this one would come to
            something else.
        """

    def learn_steps(self, edges: list[Edge]) -> None:
        """What single passes were found to bring."""


def sampler_by(
    name: SamplerName, study: optuna.Study, states: ProgramGraph, seed: int, passes: Sequence[str],
    tell: Callable[[optuna.Trial, State], None],
) -> Sampler:  # fmt: skip
    """The sampler of a name, for one search.

    Args:
        name: one of `SAMPLERS`.
        study: in memory; gives each candidate its trial.
        states: what is known of programs.
        seed: of all that is drawn.
        passes: that a sampler of Optuna's makes recipes of.
        tell: how its study is told again what a known program is worth.

    Returns:
        The sampler.
    """
    if name == "local-search":
        return LocalSearch(study, states, seed)
    if name == "greedy":
        return Greedy(study, states)
    return FixedSlots(study, states, seed, passes, _OPTUNAS[name], tell)


__all__ = ["SAMPLERS", "Sampler", "SamplerName", "Window", "sampler_by"]
