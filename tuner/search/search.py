"""What to try next, and what came of it: one model and target, asked and told through Optuna.

A fixed number of candidates is proposed ahead. Answers are told in the order asked, and each makes room for one more,
which is proposed at once: what it is depends on the seed and the answers before it, not on how many workers there are,
how fast they answer, or how many candidates are taken at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from math import inf
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from search_space.choices.frontend.base import Setting
from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate
from tuner.search.neighbours import by_less
from tuner.search.program_graph import ProgramGraph
from tuner.search.samplers import SamplerName, Window, sampler_by

WINDOW = 12
"""Candidates that are proposed and not told: so many may be under evaluation at once."""

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Search:
    """The search over one model and target."""

    def __init__(
        self,
        study: optuna.Study,
        choices: Mapping[str, tuple[str, ...]],
        seed: int,
        starts: Sequence[str] = (),
        settings: Mapping[Setting, Sequence[str]] | None = None,
        sampler: SamplerName = "local-search",
        passes: Sequence[str] = (),
    ) -> None:
        """Begin a search, or take it up where the trials of a study end.

        Args:
            study: minimises cycles; may hold the trials of an earlier run, which are taken up. It is given whole trials
                only: whatever moment a run is killed at, a candidate is in it once or not at all. Proposals are made in
                memory.
            choices: lowering choice -> alternatives that change the model.
            seed: of all that is drawn.
            starts: recipes that are tried first, and gone on from.
            settings: see `tuner.search.program_graph.ProgramGraph`.
            sampler: who proposes; another one is another search, with a study of its own.
            passes: that a sampler of Optuna's makes recipes of.
        """
        self._record = study
        self._study = optuna.create_study(direction="minimize")
        self.states = ProgramGraph(choices, starts, settings)
        self._sampler = sampler_by(
            sampler,
            self._study,
            self.states,
            seed,
            passes,
            lambda trial, state: self._tell_value(trial, state.cycles, state.violation),
        )
        self.evaluations = 0
        self._tried: set[Recipe] = set()
        self._asked: deque[Candidate] = deque()
        self._unkept: deque[tuple[Candidate, Answer]] = deque()
        self._waiting: deque[Candidate] = deque()
        self._dropped: set[int] = set()  # numbers of trials
        self._propose()
        self._take_up(study.get_trials(deepcopy=False))

    def _take_up(self, trials: Sequence[FrozenTrial]) -> None:
        """Be told again what an earlier run was told, so that it goes on as if it had never stopped.

        What was not proposed came from elsewhere, such as what was tried to shorten the best recipe.
        """
        for trial in trials:
            recipe, answer = answer_in(trial)
            known = recipe in self._tried
            if known and answer.successors is None:  # two processes that searched at once told it twice
                continue
            self._learn(recipe, answer)
            if self._waiting and (self._waiting[0].recipe, self._waiting[0].known is not None) == (recipe, known):
                self._tell(self._waiting.popleft(), answer)
            else:
                self._study.add_trial(trial)
            self._propose()

    def ask(self, most: int) -> list[Candidate]:
        """Up to `most` candidates for distinct open programs, or known ones to go on from; of those that are asked for
        and not told there are never more than WINDOW. None if that many are, or if nothing is left: then answers that
        are still to come may lead on."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._asked += taken
        return taken

    def is_dropped(self, candidate: Candidate) -> bool:
        """Whether it was asked for and is not wanted any more: it is not to be told, whatever it came to."""
        return candidate.trial.number in self._dropped

    def _propose(self) -> None:
        """Fill the window."""
        self._waiting = deque(one for one in self._waiting if one.known is not None or one.recipe not in self._tried)
        window = Window(self.evaluations, self.states, self._tried)
        for candidate in (*self._asked, *self._waiting):
            if candidate.known is not None:
                window.expanding.add(candidate.recipe)
            else:
                window.pending |= {str(candidate.recipe), self.states.foretold(candidate.recipe)} - {""}
        self._sampler.begin(window)
        first = filter(None, map(self._sampler.root, self.states.first_roots()))
        rest = iter(self._sampler.propose, None)
        room = WINDOW - len(self._asked) - len(self._waiting)
        execute_to = self._execute_to()
        self._waiting += (replace(one, execute_to=execute_to) for one in islice(chain(first, rest), room))

    def tell(self, candidate: Candidate, answer: Answer) -> None:
        """Learn what a candidate turned out to be; in the order in which they were asked for.

        Args:
            candidate: that `ask` gave, or one from elsewhere.
            answer: what it turned out to be.
        """
        if candidate in self._asked:  # else it came from elsewhere
            self._asked.remove(candidate)
        self._learn(candidate.recipe, answer)
        self._tell(candidate, answer)
        self._propose()
        self._unkept.append((candidate, answer))

    def keep(self) -> None:
        """Write what was told to the study, in the same order: a search that is taken up knows it then."""
        trials = self._study.get_trials(deepcopy=False)
        while self._unkept:
            candidate, answer = self._unkept.popleft()
            self._record.add_trial(_kept(trials[candidate.trial.number], candidate.recipe, answer))

    def has_tried(self, recipe: Recipe) -> bool:
        """Whether this search, earlier runs of it included, has evaluated a recipe."""
        return recipe in self._tried

    def _learn(self, recipe: Recipe, answer: Answer) -> None:
        if recipe in self._tried:
            self._sampler.learn_steps(self.states.expand(recipe, answer))
            return
        self.evaluations += 1
        self._tried.add(recipe)
        best = self.states.best()
        self._sampler.learn_steps(self.states.add(recipe, answer))
        dropped = self._sampler.learn(recipe, answer, better=self.states.best() != best)
        if dropped:
            self._dropped |= {one.trial.number for one in self._asked if one.known is None and one.recipe in dropped}
            self._asked = deque(one for one in self._asked if one.trial.number not in self._dropped)
            self._waiting = deque(one for one in self._waiting if one.known is not None or one.recipe not in dropped)

    def _tell(self, candidate: Candidate, answer: Answer) -> None:
        if candidate.known is not None:
            # Its cycles are those of another trial: this one only leads on.
            self._study.tell(candidate.trial, state=TrialState.PRUNED)
        else:
            self._tell_value(candidate.trial, answer.cycles, answer.violation)

    def _tell_value(self, trial: optuna.Trial, cycles: int | None, violation: float) -> None:
        default = self.states.root(Recipe())
        reference = default.cycles if default is not None and default.cycles is not None else 0
        # A failed trial teaches Optuna's samplers nothing; a finished one that breaks a constraint does.
        trial.set_constraint("right", 0.0 if cycles is not None else 1.0)
        trial.set_constraint("within limits", violation)
        self._study.tell(trial, cycles if cycles is not None else 2 * reference)

    def ask_for(self, recipe: Recipe) -> list[Candidate]:
        """A recipe that is known from elsewhere, if it was not tried."""
        return [] if recipe in self._tried else [Candidate(recipe, self._study.ask(), expand_to=-inf)]

    def ask_shorter(self) -> list[Candidate]:
        """The best recipe with one element less, each in turn, as far as that was not tried."""
        best = self.states.best()
        shorter = dict.fromkeys(by_less(best.recipe)) if best is not None else {}
        execute_to = self._execute_to()
        return [
            Candidate(recipe, self._study.ask(), expand_to=-inf, execute_to=execute_to)
            for recipe in shorter
            if recipe not in self._tried
        ]

    def _execute_to(self) -> float:
        """As in `Candidate`. What costs more can never be the best, for that only gets better."""
        best = self.states.best()
        return inf if best is None or best.cycles is None else best.cycles


def _kept(told: FrozenTrial, recipe: Recipe, answer: Answer) -> FrozenTrial:
    """What `answer_in` reads."""
    return create_trial(
        state=told.state,
        value=told.value,
        params=told.params,
        distributions=told.distributions,
        constraints=told.constraints,
        user_attrs={
            "recipe": str(recipe),
            "program": answer.program,
            "cycles": answer.cycles,
            "violation": answer.violation,
            "path": answer.path,
            "successors": answer.successors,
            "sites": None if answer.sites is None else {str(place): sites for place, sites in answer.sites.items()},
        },
    )


def answer_in(trial: FrozenTrial) -> tuple[Recipe, Answer]:
    """What a study's trial says: the candidate, and what it turned out to be."""
    attributes: dict[str, Any] = trial.user_attrs
    sites = attributes["sites"]
    if sites is not None:
        sites = {int(place): (tuple(numbers), count) for place, (numbers, count) in sites.items()}
    known = {name: attributes[name] for name in ("program", "cycles", "successors", "violation")}
    return Recipe.parse(attributes["recipe"]), Answer(**known, path=tuple(attributes["path"]), sites=sites)
