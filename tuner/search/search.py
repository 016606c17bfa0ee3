"""The search for one model and target: a sampler proposes candidates, and a study keeps the results.

A fixed number of candidates is proposed ahead. Answers are reported in the order asked. Each makes room for one more
candidate, which is proposed at once. It depends on the seed and the answers before it alone. The number of workers,
their speed, and the number of candidates in one request do not change it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count, islice
from math import inf

from search_space.choices.frontend.base import Setting
from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate, Result
from tuner.search.graph.program_graph import ProgramGraph
from tuner.search.neighbours import by_less
from tuner.search.samplers import SamplerName, Window, sampler_by
from tuner.search.studies import Study

WINDOW = 12
"""Candidates that are proposed and not reported: so many may be under evaluation at once."""


class Search:
    """The search over one model and target."""

    def __init__(
        self,
        study: Study | None,
        choices: Mapping[str, tuple[str, ...]],
        seed: int,
        starts: Sequence[str] = (),
        settings: Mapping[Setting, Sequence[str]] | None = None,
        sampler: SamplerName = "local-search",
        passes: Sequence[str] = (),
    ) -> None:
        """Begin a search, or take it up where the results of a study end.

        Args:
            study: keeps results; those of an earlier run are taken up. It is given complete results only. If a run is
                killed at any moment, a candidate is in it once or not at all. None: nothing is kept.
            choices: lowering choice -> alternatives that change the model.
            seed: of all that is drawn.
            starts: recipes that are tried first, and that the search extends.
            settings: see `tuner.search.graph.program_graph.ProgramGraph`.
            sampler: who proposes; another one is another search, with a study of its own.
            passes: that a sampler of Optuna's makes recipes of.
        """
        self._study = study
        self.states = ProgramGraph(choices, starts, settings)
        self._sampler = sampler_by(sampler, self.states, seed, passes)
        self._numbers = count()
        self.evaluations = 0
        self._tried: set[Recipe] = set()
        self._asked: deque[Candidate] = deque()
        self._unkept: list[Result] = []
        self._waiting: deque[Candidate] = deque()
        self._dropped: set[int] = set()  # numbers of candidates
        self._propose()
        self._take_up(study.results() if study is not None else ())

    def _take_up(self, results: Iterable[tuple[Recipe, Answer]]) -> None:
        """Take in the answers of an earlier run again, so that the search continues as if it had never stopped.

        What was not proposed came from elsewhere, such as what was tried to shorten the best recipe.
        """
        for recipe, answer in results:
            known = recipe in self._tried
            if known and answer.successors is None:  # two processes that searched at once reported it twice
                continue
            first = self._waiting[0] if self._waiting else None
            was_proposed = first is not None and (first.recipe, first.known is not None) == (recipe, known)
            if was_proposed:
                self._waiting.popleft()
            self._learn(recipe, answer, was_proposed)
            self._propose()

    def ask(self, most: int) -> list[Candidate]:
        """Up to `most` candidates for distinct open programs, or known ones to go on from. At most WINDOW of them are
        asked for and not yet reported. None if that many are, or if nothing is left. In the second case, answers that
        are still to come may lead on."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._asked += taken
        return taken

    def is_dropped(self, candidate: Candidate) -> bool:
        """Whether it was asked for and is not wanted any more. Its answer is not to be reported, whatever it is."""
        return candidate.number in self._dropped

    def _propose(self) -> None:
        """Fill the window."""
        self._waiting = deque(one for one in self._waiting if one.known is not None or one.recipe not in self._tried)
        window = Window(self.evaluations, self.states, self._tried)
        for candidate in (*self._asked, *self._waiting):
            if candidate.known is not None:
                window.expanding.add(candidate.recipe)
            else:
                window.pending |= {str(candidate.recipe), self.states.known_program(candidate.recipe)} - {""}
        self._sampler.begin(window)
        first = filter(None, map(self._sampler.root, self.states.roots.first()))
        rest = iter(self._sampler.propose, None)
        room = WINDOW - len(self._asked) - len(self._waiting)
        self._waiting += map(self._numbered, islice(chain(first, rest), room))

    def _numbered(self, candidate: Candidate) -> Candidate:
        return replace(candidate, execute_to=self._execute_to(), number=next(self._numbers))

    def tell(self, candidate: Candidate, answer: Answer) -> None:
        """Learn what a candidate turned out to be; in the order in which they were asked for.

        Args:
            candidate: that `ask` gave, or one from elsewhere.
            answer: what it turned out to be.
        """
        was_proposed = candidate in self._asked  # else it came from elsewhere
        if was_proposed:
            self._asked.remove(candidate)
        parameters = self._sampler.parameters(candidate.recipe) if was_proposed else {}
        self._learn(candidate.recipe, answer, was_proposed)
        is_new, score = candidate.known is None, self.states.score(answer.cycles)
        self._unkept.append(Result(candidate.recipe, answer, is_new, score, parameters))
        self._propose()

    def keep(self) -> None:
        """Write the reported results to the study, in the same order. A search that is resumed knows them then."""
        if self._study is not None:
            for result in self._unkept:
                self._study.keep(result)
        self._unkept.clear()

    def has_tried(self, recipe: Recipe) -> bool:
        """Whether this search, earlier runs of it included, has evaluated a recipe."""
        return recipe in self._tried

    def _learn(self, recipe: Recipe, answer: Answer, was_proposed: bool) -> None:
        if recipe in self._tried:
            self._sampler.learn_steps(self.states.expand(recipe, answer))
            return
        self.evaluations += 1
        self._tried.add(recipe)
        best = self.states.best()
        self._sampler.learn_steps(self.states.add(recipe, answer))
        dropped = self._sampler.learn(recipe, answer, better=self.states.best() != best, was_proposed=was_proposed)
        if dropped:
            self._dropped |= {one.number for one in self._asked if one.known is None and one.recipe in dropped}
            self._asked = deque(one for one in self._asked if one.number not in self._dropped)
            self._waiting = deque(one for one in self._waiting if one.known is not None or one.recipe not in dropped)

    def ask_for(self, recipe: Recipe) -> list[Candidate]:
        """A recipe that is known from elsewhere, if it was not tried."""
        return [] if recipe in self._tried else [Candidate(recipe, expand_to=-inf)]

    def ask_shorter(self) -> list[Candidate]:
        """The best recipe with one element less, each in turn, as far as that was not tried."""
        best = self.states.best()
        shorter = dict.fromkeys(by_less(best.recipe)) if best is not None else {}
        execute_to = self._execute_to()
        return [
            Candidate(recipe, expand_to=-inf, execute_to=execute_to) for recipe in shorter if recipe not in self._tried
        ]

    def _execute_to(self) -> float:
        """As in `Candidate`. What costs more can never be the best, for that only gets better."""
        best = self.states.best()
        return inf if best is None or best.cycles is None else best.cycles
