"""Optuna's own samplers, on recipes of a few places, each taken by a pass or by none.

So every trial has the same parameters: the lowering choices, the starting point, the places. Evolution needs that, and
on recorded spaces all of Optuna's samplers did better so than with a parameter for each program that a way goes
through. A recipe that is known to lead to a known program teaches the sampler again and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate
from tuner.search.program_graph import AS_LOWERED, START, Edge, ProgramGraph, State
from tuner.search.samplers.window import Window

_PLACES = 8
_TRIES = 4  # fruitless recipes before the cheapest open program is taken
_NONE = "none"


class FixedSlots:
    """Recipes of a fixed number of slots, each a categorical parameter of one of Optuna's samplers."""

    def __init__(
        self,
        study: optuna.Study,
        states: ProgramGraph,
        seed: int,
        passes: Sequence[str],
        sampler: Callable[[int], BaseSampler],
        tell: Callable[[optuna.Trial, State], None],
    ) -> None:
        """Propose for one search.

        Args:
            study: in memory; its parameters are the slots and choices.
            states: what is known of programs.
            seed: of Optuna's sampler.
            passes: what a slot may be taken by.
            sampler: makes Optuna's sampler from a seed.
            tell: how the study is told what a known program is worth.
        """
        self._study, self._states, self._seed, self._tell = study, states, seed, tell
        self._sampler, self._values = sampler, (_NONE, *passes)
        self._window = Window(0, states, ())

    def begin(self, window: Window) -> None:
        self._window = window
        self._study.sampler = self._sampler(self._seed + window.evaluations)

    def root(self, recipe: Recipe) -> Candidate | None:
        if not self._window.take(recipe):
            return None
        taken = {step.parameter: step.value for step in self._states.root_steps(recipe)}
        self._study.enqueue_trial(taken | dict.fromkeys(map(_place, range(_PLACES)), _NONE))
        trial = self._study.ask()
        self._decide(trial)
        return Candidate(recipe, trial)

    def propose(self) -> Candidate | None:
        for _ in range(_TRIES):
            trial = self._study.ask()
            recipe = self._decide(trial)
            if self._window.take(recipe):
                return Candidate(recipe, trial)
            program = self._states.foretold(recipe)
            if program in self._states:
                self._tell(trial, self._states[program])
            else:
                self._study.tell(trial, state=TrialState.FAIL)  # it is under way
        for recipe in self._states.frontier():
            if self._window.take(recipe):
                return Candidate(recipe, self._study.ask())
        return None

    def learn(self, recipe: Recipe, answer: Answer, better: bool) -> tuple[()]:
        """Nothing: the study knows it.

        Args:
            recipe: the candidate.
            answer: what it turned out to be.
            better: it is the new best.

        Returns:
            Nothing: all that is under way stays wanted.
        """
        return ()

    def learn_steps(self, edges: list[Edge]) -> None:
        """Nothing."""

    def _decide(self, trial: optuna.Trial) -> Recipe:
        taken, start = [], Recipe().passes
        for step in self._states.root_steps(Recipe()):
            value = trial.suggest_categorical(step.parameter, step.values)
            if step.parameter == START and value != AS_LOWERED:
                start = Recipe.parse(value).passes
            elif value != AS_LOWERED:
                taken.append((step.parameter, value))
        values = (trial.suggest_categorical(_place(number), self._values) for number in range(_PLACES))
        more = (one for value in values if value != _NONE for one in Recipe.parse(value).passes)
        return Recipe(tuple(taken), (*start, *more))


def _place(number: int) -> str:
    return f"pass {number + 1}"
