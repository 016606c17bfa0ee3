"""What to try next: Optuna decides, pass by pass, on a way through the programs seen so far to one not seen yet.

Every state of a model is one categorical parameter (which pass next), every lowering choice another one, so Optuna's
sampler learns at which program which pass pays. A way that ends where everything is known teaches it again and costs
nothing; after a few of these the cheapest open program is taken instead, so that small spaces are seen whole.

Asking happens in batches of a fixed size, told in the order asked, with a sampler seeded by the batch: what is proposed
does not depend on how many workers there are or how fast they answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile, zip_longest
from random import Random
from typing import Any

import optuna
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from search_space.recipe import Recipe
from search_space.upstream import Setting
from tuner.neighbours import Sites, by_less, by_more, by_options, by_order, by_sites
from tuner.states import AS_LOWERED, START, State, States, Step, extended, pass_step

BATCH = 8
_WALKS = 4  # fruitless ways before the cheapest open program is taken
_LONGEST_WAY = 64

optuna.logging.set_verbosity(optuna.logging.WARNING)


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


class Search:
    """One model and target.

    study: minimises cycles; may hold the trials of an earlier run, which are taken up. It is given whole trials only:
    whatever moment a run is killed at, a candidate is in it once or not at all. Proposals are made in memory.
    choices: lowering choice -> alternatives that change the model. starts: recipes that are tried first, and gone on
    from. settings: see `tuner.states.States`.
    """

    def __init__(
        self,
        study: optuna.Study,
        choices: Mapping[str, tuple[str, ...]],
        seed: int,
        starts: Sequence[str] = (),
        settings: Mapping[Setting, Sequence[str]] | None = None,
    ) -> None:
        self._record, self._seed = study, seed
        self._study = optuna.create_study(direction="minimize")
        self.states = States(choices, starts, settings)
        self.evaluations = 0
        self._tried: set[Recipe] = set()
        self._asked_before: list[Candidate] = []
        self._take_up(study.get_trials(deepcopy=False))

    def _take_up(self, trials: Sequence[FrozenTrial]) -> None:
        """Ask and be told again what an earlier run asked and was told, so that it goes on as if it had never stopped;
        then learn the rest, such as what was tried to shorten the best recipe."""
        told: dict[Recipe, tuple[FrozenTrial, Answer]] = {}
        for trial in trials:
            recipe, answer = learnt_from(trial)
            told.setdefault(recipe, (trial, answer))  # two processes that searched at once told it twice
        while told:
            batch = self.ask(BATCH)
            known = list(takewhile(lambda candidate: candidate.recipe in told, batch))
            for candidate in known:
                _, answer = told.pop(candidate.recipe)
                self._learn(candidate.recipe, answer)
                self._tell(candidate.trial, answer.cycles, answer.violation)
            if not batch or len(known) < len(batch):
                self._asked_before = batch[len(known) :]
                break
        for recipe, (trial, answer) in told.items():
            self._study.add_trial(trial)
            self._learn(recipe, answer)

    def ask(self, most: int) -> list[Candidate]:
        """Up to `most` (at most BATCH) candidates for distinct open programs; none if the space is exhausted."""
        waiting = [candidate for candidate in self._asked_before if candidate.recipe not in self._tried]
        if waiting:
            self._asked_before = waiting[most:]
            return waiting[:most]
        self._study.sampler = _sampler(self._seed + self.evaluations)
        batch: list[Candidate] = []
        pending: set[str] = set()
        while len(batch) < min(most, BATCH):
            candidate = self._open_of(self.states.first_roots(), pending)
            if candidate is None and len(batch) % 2 == 0:
                candidate = self._neighbour(pending)
            candidate = (
                candidate
                or self._walk_to_open(pending)
                or self._open_of(self.states.frontier(), pending)
                or self._neighbour(pending)
            )
            if candidate is None:
                break
            batch.append(candidate)
        return batch

    def tell(self, candidate: Candidate, answer: Answer) -> None:
        """Remember what a candidate turned out to be; in the order in which they were asked for."""
        self._learn(candidate.recipe, answer)
        self._tell(candidate.trial, answer.cycles, answer.violation)
        told = self._study.get_trials(deepcopy=False)[candidate.trial.number]
        self._record.add_trial(
            create_trial(
                value=told.value,
                params=told.params,
                distributions=told.distributions,
                constraints=told.constraints,
                user_attrs={
                    "recipe": str(candidate.recipe),
                    "program": answer.program,
                    "cycles": answer.cycles,
                    "successors": dict(answer.successors),
                    "violation": answer.violation,
                    "sites": {str(place): sites for place, sites in answer.sites.items()},
                },
            )
        )

    def _learn(self, recipe: Recipe, answer: Answer) -> None:
        self.evaluations += 1
        self._tried.add(recipe)
        self.states.add(recipe, answer.program, answer.cycles, answer.successors, answer.violation, answer.sites)

    def _tell(self, trial: optuna.Trial, cycles: int | None, violation: float) -> None:
        default = self.states.root(Recipe())
        reference = default.cycles if default is not None and default.cycles is not None else 0
        # A failed trial teaches Optuna's samplers nothing; a finished one that breaks a constraint does.
        trial.set_constraint("right", 0.0 if cycles is not None else 1.0)
        trial.set_constraint("within limits", violation)
        self._study.tell(trial, cycles if cycles is not None else 2 * reference)

    def ask_for(self, recipe: Recipe) -> list[Candidate]:
        """A recipe that is known from elsewhere, if it was not tried."""
        return [] if recipe in self._tried else [Candidate(recipe, self._study.ask())]

    def ask_shorter(self) -> list[Candidate]:
        """The best recipe with one element less, each in turn, as far as that was not tried."""
        best = self.states.best()
        shorter = dict.fromkeys(by_less(best.recipe)) if best is not None else {}
        return [Candidate(recipe, self._study.ask()) for recipe in shorter if recipe not in self._tried]

    def _neighbour(self, pending: set[str]) -> Candidate | None:
        """A recipe that differs in one decision from one of the best, and is not known to lead to a known program."""
        for recipe in self._neighbours():
            candidate = self._untaught(recipe, pending)
            if candidate is not None:
                return candidate
        return None

    def _untaught(self, recipe: Recipe, pending: set[str]) -> Candidate | None:
        """A recipe that no way through known programs leads to, if it is open: the sampler learns nothing from it."""
        program = self.states.foretold(recipe)
        if recipe in self._tried or program in self.states or pending & {str(recipe), program}:
            return None
        pending |= {str(recipe), program} - {""}
        return Candidate(recipe, self._study.ask())

    def _neighbours(self) -> Iterator[Recipe]:
        """Of each promising state in turn one of each kind, in an order that the seed gives.

        Where every program is seen that passes at all their sites lead to, those at some of them are left.
        """
        all_seen = self.states.all_seen()
        ways = [
            by_sites(state.recipe, state.sites) if all_seen else self._around(state)
            for state in self.states.promising()
        ]
        for found in zip_longest(*ways):
            yield from (recipe for recipe in found if recipe is not None)

    def _around(self, state: State) -> Iterator[Recipe]:
        random = Random(f"{self._seed} {state.recipe}")
        passes = [one for text in self.states.useful_passes() for one in Recipe.parse(text).passes]
        kinds = [
            list(kind)
            for kind in (
                by_sites(state.recipe, state.sites),
                by_less(state.recipe),
                by_more(state.recipe, passes),
                by_options(state.recipe),
                by_order(state.recipe),
            )
        ]
        for kind in kinds:
            random.shuffle(kind)
        for found in zip_longest(*kinds):
            yield from (recipe for recipe in found if recipe is not None)

    def _walk_to_open(self, pending: set[str]) -> Candidate | None:
        for _ in range(_WALKS):
            trial = self._study.ask()
            recipe, end = self._walk(trial, pending)
            if recipe is not None:
                return Candidate(recipe, trial)
            if end is None:
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                self._tell(trial, end.cycles, end.violation)
        return None

    def _walk(self, trial: optuna.Trial, pending: set[str]) -> tuple[Recipe | None, State | None]:
        """Follow the sampler's decisions: the recipe of an open program, or the known state where the way ends."""
        taken, passes = [], Recipe().passes
        for step in self.states.root_steps(Recipe()):
            value = _decide(trial, step)
            if step.parameter == START and value != AS_LOWERED:
                passes = Recipe.parse(value).passes
            elif value != AS_LOWERED:
                taken.append((step.parameter, value))
        recipe = Recipe(tuple(taken), passes)
        if not self.states.is_evaluated_root(recipe):
            if str(recipe) in pending or recipe not in self.states.open_roots():
                return None, None
            pending.add(str(recipe))
            return recipe, None
        state = self.states.root(recipe)
        visited: set[str] = set()
        while state is not None and state.successors and state.program not in visited:
            if state.cycles is None or len(visited) == _LONGEST_WAY:
                break
            visited.add(state.program)
            value = _decide(trial, pass_step(state))
            program = state.successors[value]
            recipe = extended(recipe, value)
            if program in pending:
                return None, None
            if program not in self.states:
                pending.add(program)
                return recipe, None
            state = self.states[program]
        return None, state

    def _open_of(self, recipes: Iterable[Recipe], pending: set[str]) -> Candidate | None:
        """The first of these recipes that is open."""
        for recipe in recipes:
            if self.states.is_evaluated_root(recipe) or str(recipe) in pending:
                continue
            steps = self.states.steps(recipe)
            if steps is None:
                candidate = self._untaught(recipe, pending)
                if candidate is not None:
                    return candidate
                continue
            self._study.enqueue_trial({step.parameter: step.value for step in steps})
            trial = self._study.ask()
            found, _ = self._walk(trial, pending)
            if found is not None:
                return Candidate(found, trial)
            self._study.tell(trial, state=TrialState.FAIL)
        return None


def _decide(trial: optuna.Trial, step: Step) -> str:
    return trial.suggest_categorical(step.parameter, step.values)


def learnt_from(trial: FrozenTrial) -> tuple[Recipe, Answer]:
    """What a study's trial says: the candidate, and what it turned out to be."""
    attributes: dict[str, Any] = trial.user_attrs
    sites = {int(place): (tuple(numbers), count) for place, (numbers, count) in attributes["sites"].items()}
    known = {name: attributes[name] for name in ("program", "cycles", "successors", "violation")}
    return Recipe.parse(attributes["recipe"]), Answer(**known, sites=sites)


def _sampler(seed: int) -> TPESampler:
    return TPESampler(seed=seed, n_startup_trials=16)
