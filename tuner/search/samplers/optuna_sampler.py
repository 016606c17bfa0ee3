"""Adapts Optuna's samplers. They propose recipes of a few slots, each taken by a pass or by none, as trials.

So every trial has the same parameters: the lowering choices, the starting point, the slots. Evolution needs that. On
recorded spaces, all of Optuna's samplers did better so than with a parameter for each program. A recipe that is known
to lead to a known program teaches the sampler again and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate, constraints_of
from tuner.search.graph.program_graph import ProgramGraph
from tuner.search.graph.roots import AS_LOWERED, START
from tuner.search.graph.state import Edge
from tuner.search.samplers.window import Window

_SLOTS = 8
_TRIES = 4  # fruitless recipes before the cheapest open program is taken
_NONE = "none"

optuna.logging.set_verbosity(optuna.logging.WARNING)

#: Made anew for each answer from a seed, so that a run that was killed can go on as if it was not.
_MAKERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed, n_startup_trials=16),
    "nsga2": lambda seed: NSGAIISampler(seed=seed, population_size=16),
    "random": lambda seed: RandomSampler(seed=seed),
}


class OptunaSampler:
    """Recipes of a fixed number of slots, each a categorical parameter of one of Optuna's samplers."""

    def __init__(
        self, name: Literal["tpe", "nsga2", "random"], states: ProgramGraph, seed: int, passes: Sequence[str]
    ) -> None:
        """Propose for one search.

        Args:
            name: of Optuna's sampler.
            states: what is known of programs.
            seed: of Optuna's sampler.
            passes: what a slot may be taken by.
        """
        self._states, self._seed = states, seed
        self._study = optuna.create_study(direction="minimize")  # in memory
        self._trials: dict[Recipe, optuna.Trial] = {}  # of what was proposed and not reported
        self._sampler, self._values = _MAKERS[name], (_NONE, *passes)
        self._window = Window(0, states, ())

    def begin(self, window: Window) -> None:
        self._window = window
        self._study.sampler = self._sampler(self._seed + window.evaluations)

    def root(self, recipe: Recipe) -> Candidate | None:
        if not self._window.take(recipe):
            return None
        taken = {step.parameter: step.value for step in self._states.roots.steps(recipe)}
        self._study.enqueue_trial(taken | dict.fromkeys(map(_slot, range(_SLOTS)), _NONE))
        trial = self._study.ask()
        self._decide(trial)
        return self._proposed(recipe, trial)

    def propose(self) -> Candidate | None:
        for _ in range(_TRIES):
            trial = self._study.ask()
            recipe = self._decide(trial)
            if self._window.take(recipe):
                return self._proposed(recipe, trial)
            program = self._states.known_program(recipe)
            if program in self._states:
                known = self._states[program]
                self._tell(trial, known.cycles, known.violation)
            else:
                self._study.tell(trial, state=TrialState.FAIL)  # it is under way
        for recipe in self._states.frontier():
            if self._window.take(recipe):
                return self._proposed(recipe, self._study.ask())
        return None

    def parameters(self, recipe: Recipe) -> dict[str, tuple[str, tuple[str, ...]]]:
        """The slots and choices that were drawn for a recipe.

        Args:
            recipe: that was proposed and is not reported.

        Returns:
            Parameter -> its value, and the values that it may have.
        """
        trial = self._trials[recipe]
        drawn = trial.distributions.items()
        values = {name: tuple(map(str, one.choices)) for name, one in drawn if isinstance(one, CategoricalDistribution)}
        return {name: (str(trial.params[name]), choices) for name, choices in values.items()}

    def learn(self, recipe: Recipe, answer: Answer, better: bool, was_proposed: bool) -> tuple[()]:
        """Tell the study.

        Args:
            recipe: the candidate.
            answer: what it turned out to be.
            better: it is the new best.
            was_proposed: by this sampler; else the study gets a trial without parameters.

        Returns:
            Nothing: all that is under way stays wanted.
        """
        if was_proposed:
            self._tell(self._trials.pop(recipe), answer.cycles, answer.violation)
        else:
            constraints = constraints_of(answer.cycles, answer.violation)
            self._study.add_trial(create_trial(value=self._states.score(answer.cycles), constraints=constraints))
        return ()

    def learn_steps(self, edges: list[Edge]) -> None:
        """Nothing."""

    def _proposed(self, recipe: Recipe, trial: optuna.Trial) -> Candidate:
        self._trials[recipe] = trial
        return Candidate(recipe)

    def _tell(self, trial: optuna.Trial, cycles: int | None, violation: float) -> None:
        # A failed trial teaches Optuna's samplers nothing; a finished one that breaks a constraint does.
        for name, by in constraints_of(cycles, violation).items():
            trial.set_constraint(name, by)
        self._study.tell(trial, self._states.score(cycles))

    def _decide(self, trial: optuna.Trial) -> Recipe:
        taken, start = [], Recipe().passes
        for step in self._states.roots.steps(Recipe()):
            value = trial.suggest_categorical(step.parameter, step.values)
            if step.parameter == START and value != AS_LOWERED:
                start = Recipe.parse(value).passes
            elif value != AS_LOWERED:
                taken.append((step.parameter, value))
        values = (trial.suggest_categorical(_slot(number), self._values) for number in range(_SLOTS))
        more = (one for value in values if value != _NONE for one in Recipe.parse(value).passes)
        return Recipe(tuple(taken), (*start, *more))


def _slot(number: int) -> str:
    return f"pass {number + 1}"
