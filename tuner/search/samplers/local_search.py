"""velatune's own sampler: best-first search over programs, recombination, and neighbours of the best recipes.

Best-first search takes the open program that it expects to be cheapest. The expectation is the cost of the program
before it, plus the mean effect of the pass elsewhere. Several passes may have paid. Then it applies all of them without
waiting for the first result. So several steps are under way at once. If a step turns out to cost more, those after it
are dropped. The successors of a program take longer to find out than its cost. So they are found out at once only for
programs that are as good as the best. For others they are found out when nothing known is expected to be better.

Recombination starts from the best recipe, or from one that the search began at. It drops the passes that seem to cost
cycles, and appends all that seem to save some. The effect of a pass is judged from all recipes that had it. As far as
it is not known, it is drawn. So passes that pay only together are found, which no single step leads to.

A step to a neighbour changes one decision of one of the best recipes. That is a site, a pass more or less, an option,
or a place in the order. The kind of the next step is drawn by its share of new bests so far (Thompson sampling).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from random import Random

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate
from tuner.search.graph.program_graph import ProgramGraph, extended
from tuner.search.graph.roots import choice_text
from tuner.search.graph.state import Edge, State
from tuner.search.linear_model import Guess, LinearModel
from tuner.search.neighbours import by_less, by_more, by_options, by_order, by_sites
from tuner.search.pass_statistics import HOPED, PassStatistics
from tuner.search.samplers.window import Window

_BEST_FIRST, _RECOMBINATION, _SITES = "best-first", "recombination", "sites"
#: Times that a kind is taken to have led to a new best, and not to have, before it was tried.
_BEFORE = {_BEST_FIRST: (3.0, 1.0), _RECOMBINATION: (3.0, 1.0)}
_MEMORY = 10.0  # times that are remembered
_BEFORE_OTHERS = (0.5, 1.5)
#: How many recombinations are drawn before another kind has its turn; how often they start from the best recipe.
_RECOMBINATIONS, _FROM_BEST = 8, 0.5
#: How often a recombination has a pass again that the recipe before it has, and how many passes it comes to at most.
_AGAIN, _LONGEST = 0.5, 14
_NAME_END = re.compile("[{@]")
#: By so much a value may be above another one that is nearly as good: 3 % of cycles.
_NEAR = 0.03
#: How often one looks around the best recipe, and if not, around the second one, and so on.
_AT_BEST = 0.6


@dataclass(frozen=True)
class _Expected:
    """A program that is under way and stands for what it is expected to be.

    Attributes:
        before: what the program before its last pass or choice is worth, or is expected to be.
        left: passes to go on by.
    """

    value: float
    before: float
    recipe: Recipe
    left: tuple[str, ...]


class LocalSearch:
    """Proposes recipes; holds what it learned of passes and of kinds of neighbours."""

    def __init__(self, states: ProgramGraph, seed: int) -> None:
        """Propose for one search.

        Args:
            states: what is known of programs.
            seed: of all that is drawn.
        """
        self._states, self._seed = states, seed
        self._window = Window(0, states, ())
        self._effects, self._credit = PassStatistics(seed), LinearModel()
        self._kinds: dict[Recipe, str] = {}  # of what is asked for
        self._outcomes: dict[str, list[float]] = {kind: list(_BEFORE.get(kind, _BEFORE_OTHERS)) for kind in self._all()}
        self._around: dict[tuple[Recipe, str], Iterator[Recipe]] = {}
        self._pipelined: list[_Expected] = []
        self._random = Random(seed)

    def _all(self) -> tuple[str, ...]:
        return (_BEST_FIRST, _RECOMBINATION, *_KINDS)

    def begin(self, window: Window) -> None:
        self._window = window
        self._pipelined = [step for step in self._pipelined if str(step.recipe) in window.pending]
        self._random = Random(f"{self._seed} {window.evaluations}")

    def root(self, recipe: Recipe) -> Candidate | None:
        if not self._window.take(recipe):
            return None
        # The default says which passes there are for this model. Which of the others is best shows in the end.
        return Candidate(recipe, inf if recipe == Recipe() else -inf)

    def learn_steps(self, edges: list[Edge]) -> None:
        self._effects.learn(edges)

    def parameters(self, recipe: Recipe) -> dict[str, tuple[str, tuple[str, ...]]]:
        """None: recipes are not drawn as parameters."""
        return {}

    def learn(self, recipe: Recipe, answer: Answer, better: bool, was_proposed: bool) -> Collection[Recipe]:
        """Take in what a recipe came to, and which kind of proposal it was.

        Args:
            recipe: the candidate.
            answer: what it turned out to be.
            better: it is the new best.
            was_proposed: by this sampler; what is learned does not depend on it.

        Returns:
            Recipes that were proposed to follow on this one, where it costs more than what comes before it.
        """
        default = self._states.roots.state(Recipe())
        if default is not None and default.cycles is not None:
            change = answer.value - default.value
            self._credit.learn((*map("=".join, recipe.choices), *map(str, recipe.passes)), change)
        kind = self._kinds.pop(recipe, None)
        if kind is not None:
            outcomes = self._outcomes[kind]
            outcomes[0 if better else 1] += 1
            self._outcomes[kind] = [times * min(1.0, _MEMORY / sum(outcomes)) for times in outcomes]
        if any(step.recipe == recipe and answer.value > step.before + _NEAR for step in self._pipelined):
            return [step.recipe for step in self._pipelined if _goes_on_from(recipe, step.recipe)]
        return ()

    def propose(self) -> Candidate | None:
        if any(str(root) in self._window.pending for root in self._states.roots.first()):
            return None  # what the first ones come to says where to go
        seen_all = self._states.all_seen()
        draws = {kind: self._random.betavariate(*outcomes) for kind, outcomes in self._outcomes.items()}
        best = self._states.best()
        for kind in [_SITES] if seen_all else sorted(draws, key=lambda kind: -draws[kind]):
            found = self._of_kind(kind, seen_all)
            if isinstance(found, State):
                self._window.expanding.add(found.recipe)
                known = Answer(found.program, found.cycles, violation=found.violation)
                return Candidate(found.recipe, known=known)
            if found is not None:
                self._kinds[found] = kind
                return Candidate(found, inf if best is None else best.value)
        return None

    def _of_kind(self, kind: str, seen_all: bool) -> Recipe | State | None:
        """A recipe to try, or a state to go on from."""
        if kind == _BEST_FIRST:
            return self._best_first()
        if kind == _RECOMBINATION:
            return self._recombination()
        return self._neighbour(kind, seen_all)

    def _recombination(self) -> Recipe | None:
        passes = self._states.useful_passes()
        best = self._states.best()
        taken = best.recipe.choices if best is not None else ()
        first = (root for root in self._states.roots.first() if root.choices in ((), taken))
        roots = list(dict.fromkeys(Recipe(taken, root.passes) for root in first))
        for _ in range(_RECOMBINATIONS if passes else 0):
            from_best = best is not None and self._random.random() < _FROM_BEST
            before = best.recipe if best is not None and from_best else self._random.choice(roots)
            recipe = self._recombined(before, self._credit.draw(passes, self._random))
            if self._window.take(recipe):
                return recipe
        return None

    def _recombined(self, before: Recipe, guesses: Mapping[str, Guess]) -> Recipe:
        """The recipe without the passes that cost something, both by what is known and as drawn. Those that bring
        something as drawn are added, each in one of its forms, in any order."""
        unknown = Guess(0.0, 0.0)
        costs = (
            min(guess.mean, guess.drawn) > 0 for guess in (guesses.get(str(one), unknown) for one in before.passes)
        )
        kept = [one for one, cost in zip(before.passes, costs, strict=True) if not cost]
        names = {one.name for one in kept}
        forms: dict[str, str] = {}
        for one in sorted(guesses, key=lambda one: guesses[one].drawn):
            forms.setdefault(_name(one), one)
        more = [
            one
            for name, one in forms.items()
            if guesses[one].drawn < 0 and (name not in names or self._random.random() < _AGAIN)
        ]
        self._random.shuffle(more)
        passes = [*kept, *(one for text in more for one in Recipe.parse(text).passes)]
        return Recipe(before.choices, tuple(passes[: max(len(kept), _LONGEST)]))

    def _best_first(self) -> Recipe | State | None:
        unknown = self._states.unexpanded()
        while True:
            found = self._cheapest_expected()
            if unknown is not None and (found is None or unknown.value + HOPED < found.value):
                # What follows on it is on its way, or is asked for.
                return None if unknown.recipe in self._window.expanding else unknown
            if found is None:
                return None
            if self._window.take(found.recipe):
                self._pipelined.append(found)
                return found.recipe
            self._window.pending.add(str(found.recipe))  # a step that would lead where something is known

    def _cheapest_expected(self) -> _Expected | None:
        pending = self._window.pending
        best: _Expected | None = None
        for root in self._states.roots_to_try():
            before = self._states.roots.state_before(root)
            known = before.value if before is not None and before.cycles is not None else 0.0
            value = known + self._effects.expected(choice_text(root))
            if str(root) not in pending and (best is None or value < best.value):
                best = _Expected(value, known, root, ())
        for one, way in self._states.open_programs.best_by_pass(pending):
            value = way.value + self._effects.expected(one)
            if best is None or value < best.value:
                state = self._states[way.program]
                recipe = extended(state.recipe, one)
                if str(recipe) not in pending:
                    best = _Expected(value, way.value, recipe, _others(one, state.successors or ()))
        for step in self._pipelined:
            for one in step.left:
                value = step.value + self._effects.expected(one)
                if self._effects.expected(one) < 0 and (best is None or value < best.value):
                    recipe = extended(step.recipe, one)
                    if str(recipe) not in pending:
                        best = _Expected(value, step.value, recipe, _others(one, step.left))
        return best

    def _neighbour(self, kind: str, seen_all: bool) -> Recipe | State | None:
        states = self._states.promising()
        while states:
            at = 0
            while not seen_all and at < len(states) - 1 and self._random.random() > _AT_BEST:
                at += 1
            state = states.pop(at)
            if kind == _SITES and state.sites is None and any(one.at for one in state.recipe.passes):
                if state.recipe not in self._window.expanding:
                    return state
                continue
            for recipe in self._neighbours(state, kind):
                if self._window.take(recipe):
                    return recipe
        return None

    def _neighbours(self, state: State, kind: str) -> Iterator[Recipe]:
        """Those that were not looked at, in an order that the seed gives. What is not open now never will be."""
        key = state.recipe, kind
        if key not in self._around:
            found = list(_KINDS[kind](state, self._states))
            Random(f"{self._seed} {kind} {state.recipe}").shuffle(found)
            self._around[key] = iter(found)
        return self._around[key]


def _goes_on_from(recipe: Recipe, other: Recipe) -> bool:
    """Whether the other one has more passes behind those of the recipe."""
    length = len(recipe.passes)
    return other.choices == recipe.choices and len(other.passes) > length and other.passes[:length] == recipe.passes


def _name(one: str) -> str:
    return _NAME_END.split(one, maxsplit=1)[0]


def _others(one: str, passes: Iterable[str]) -> tuple[str, ...]:
    """Without all forms of a pass: one of them leaves little to the others."""
    return tuple(other for other in passes if _name(other) != _name(one))


def _by_more(state: State, states: ProgramGraph) -> Iterator[Recipe]:
    passes = [one for text in states.useful_passes() for one in Recipe.parse(text).passes]
    return by_more(state.recipe, passes)


_KINDS: dict[str, Callable[[State, ProgramGraph], Iterator[Recipe]]] = {
    _SITES: lambda state, _: by_sites(state.recipe, state.sites or {}),
    "less": lambda state, _: by_less(state.recipe),
    "more": _by_more,
    "options": lambda state, _: by_options(state.recipe),
    "order": lambda state, _: by_order(state.recipe),
}
