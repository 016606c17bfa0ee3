"""Optuna's samplers on the programs of a search: each decides, pass by pass, on a way to one that was not seen.

Every state of a model is one categorical parameter (which pass next), every lowering choice another one, so a sampler
learns at which program which pass pays. A way that ends where everything is known teaches it again and costs nothing;
after a few of these the cheapest open program is taken instead, so that small spaces are seen whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from search_space.recipe import Recipe
from tuner.candidates import Candidate
from tuner.samplers.batch import Batch
from tuner.states import AS_LOWERED, START, Edge, State, States, Step, extended, pass_step

_WALKS = 4  # fruitless ways before the cheapest open program is taken
_LONGEST_WAY = 64


class Ways:
    """sampler: makes Optuna's from a seed; None to take the cheapest open program always. tell:
    how the study is told what a known program is worth."""

    def __init__(
        self,
        study: optuna.Study,
        states: States,
        seed: int,
        sampler: Callable[[int], BaseSampler] | None,
        tell: Callable[[optuna.Trial, State], None],
    ) -> None:
        self._study, self._states, self._seed, self._tell = study, states, seed, tell
        self._sampler = sampler
        self._batch = Batch(0, states, ())

    def begin(self, batch: Batch) -> None:
        self._batch = batch
        if self._sampler is not None:
            self._study.sampler = self._sampler(self._seed + batch.evaluations)

    def root(self, recipe: Recipe) -> Candidate | None:
        return self._first_of([recipe])

    def propose(self) -> Candidate | None:
        walked = self._walk_to_open() if self._sampler is not None else None
        return walked or self._first_of(self._states.frontier())

    def learn(self, recipe: Recipe, edges: list[Edge], better: bool) -> None:
        """Nothing: the study knows it."""

    def _walk_to_open(self) -> Candidate | None:
        for _ in range(_WALKS):
            trial = self._study.ask()
            recipe, end = self._walk(trial)
            if recipe is not None:
                return Candidate(recipe, trial)
            if end is None:
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                self._tell(trial, end)
        return None

    def _walk(self, trial: optuna.Trial) -> tuple[Recipe | None, State | None]:
        """Follow the sampler's decisions: the recipe of an open program, or the known state where the way ends."""
        taken, passes = [], Recipe().passes
        for step in self._states.root_steps(Recipe()):
            value = _decide(trial, step)
            if step.parameter == START and value != AS_LOWERED:
                passes = Recipe.parse(value).passes
            elif value != AS_LOWERED:
                taken.append((step.parameter, value))
        recipe = Recipe(tuple(taken), passes)
        if not self._states.is_evaluated_root(recipe):
            asked = recipe in self._states.open_roots() and self._batch.take(recipe)
            return (recipe if asked else None), None
        state = self._states.root(recipe)
        visited: set[str] = set()
        while state is not None and state.successors and state.program not in visited:
            if state.cycles is None or len(visited) == _LONGEST_WAY:
                break
            visited.add(state.program)
            value = _decide(trial, pass_step(state))
            recipe = extended(recipe, value)
            program = state.successors[value]
            if program not in self._states:
                return (recipe if self._batch.take(recipe) else None), None
            state = self._states[program]
        return None, state

    def _first_of(self, recipes: Iterable[Recipe]) -> Candidate | None:
        """The first of these recipes that is open; the sampler learns from it as if it had decided so."""
        for recipe in recipes:
            if self._batch.take(recipe):
                steps = self._states.steps(recipe) or []
                self._study.enqueue_trial({step.parameter: step.value for step in steps})
                trial = self._study.ask()
                for step in steps:
                    _decide(trial, step)
                return Candidate(recipe, trial)
        return None


def _decide(trial: optuna.Trial, step: Step) -> str:
    return trial.suggest_categorical(step.parameter, step.values)
