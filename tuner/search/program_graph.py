"""The programs that a search has seen, and how passes lead from one to the next.

A state is a distinct program, known by its content hash. Sequences of passes that lead to the same program are one
state. A state that is expanded says which passes change it and to what. So what is left to see is known: when no
program is open and no state unexpanded, the space is exhausted.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, product
from math import inf
from typing import Any

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import SITES_BY_PRICE
from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, value_of
from tuner.search.frontier import Frontier
from tuner.search.known_steps import KnownSteps
from tuner.search.neighbours import Sites


@dataclass(frozen=True)
class State:
    """A program that was evaluated.

    recipe: the first one found that leads to it. cycles: the objective, None if it is not right. successors: pass ->
    program hash, None until it is expanded. sites: of the recipe's passes, as in `tuner.search.neighbours`, None if
    they are not known. violation: by which part it is beyond the limits; more than 0 may not be offered, but leads on.
    """

    program: str
    recipe: Recipe
    cycles: int | None
    successors: Mapping[str, str] | None
    sites: Sites | None
    violation: float = 0.0

    @property
    def value(self) -> float:
        """How promising it is to go on from here."""
        return value_of(self.cycles, self.violation)


@dataclass(frozen=True)
class Edge:
    """One pass, or choice, and by how much it changed a program's value; `inf` if the result is not right."""

    one: str
    change: float


@dataclass(frozen=True)
class Step:
    """One decision on the way to a candidate, as Optuna sees it: a parameter, its values, and the one taken."""

    parameter: str
    values: tuple[str, ...]
    value: str


_CHEAPEST, _BEYOND = 3, 2

AS_LOWERED = "as-lowered"
START = "start"


class ProgramGraph:
    """All states of one model and target.

    A root is a recipe that is evaluated as a whole: choices with a start or none. Those with at most one choice are
    roots from the beginning. Choices are combined once they reduced cycles one at a time. All of those are combined at
    once, with every start; the cheapest of these is also tried with every other width. One more choice is added to the
    choices of the cheapest state, with its start. All other combinations come last, when nothing else is left.
    """

    def __init__(
        self,
        choices: Mapping[str, tuple[str, ...]],
        starts: Sequence[str] = (),
        settings: Mapping[Setting, Sequence[str]] | None = None,
    ) -> None:
        """Begin without any evaluation.

        Args:
            choices: lowering choice -> alternatives that change the model.
            starts: pass sequences that a search may start from, as it may from none.
            settings: single choices inside ExecuTorch -> the sequences to start from with that choice, for it leads to
                another program. None for no such choice.
        """
        by_setting = settings or {}
        found = {name: list(alternatives) for name, alternatives in choices.items()}
        for ((name, one),) in by_setting:
            found.setdefault(name, []).append(one)
        self.choices = {name: tuple(found[name]) for name in sorted(found)}
        everywhere = (*starts, *(text for of in by_setting.values() for text in of))
        self._starts = {Recipe.parse(text).passes: text for text in everywhere}
        self._by_program: dict[str, State] = {}
        #: By violation and rank, with the program: the best first.
        self._offered: list[tuple[float, int, tuple[int, int], str, str]] = []
        self._beyond: list[tuple[float, int, tuple[int, int], str, str]] = []
        self._useful = {str(one) for start in self._starts for one in start}
        #: Choices -> cycles of the cheapest program that is known to be reached by exactly these.
        self._cheapest: dict[tuple[tuple[str, str], ...], int] = {}
        self.open_programs = Frontier()
        self._walked = KnownSteps()
        self._known_edges: set[tuple[str, str]] = set()  # program, pass
        self._refused: set[Recipe] = set()
        #: By value, with the program: the best first.
        self._unexpanded: list[tuple[float, str]] = []
        self._roots: dict[Recipe, str | None] = {}  # None: the recipe gives no program
        self._singles = [((name, one),) for name, alternatives in self.choices.items() for one in alternatives]
        self._widths = [one for (one,) in self._singles if Recipe((one,)).exactness == Exactness.PRECISION]
        self._starts_by = {
            taken: tuple(Recipe.parse(text).passes for text in by_setting.get(taken, starts))
            for taken in ((), *self._singles)
        }
        self._first_roots = [
            Recipe(taken, start) for taken, starts_here in self._starts_by.items() for start in ((), *starts_here)
        ]

    def add(self, recipe: Recipe, answer: Answer) -> list[Edge]:
        """Remember what a candidate turned out to be. Its program may be unknown, as when the worker was lost over it.
        Then it is the one that the state before predicted.

        Of two recipes for a program the more exact one is kept, then the one with fewer elements.

        Args:
            recipe: the candidate.
            answer: what it turned out to be.

        Returns:
            What passes were found to save. There is one new edge for each pass that leads from an evaluated program to
            another.
        """
        program = answer.program or self.foretold(recipe)
        edges = []
        if self._is_root(recipe):
            self._roots[recipe] = program or None
            edges = self._choice_edges(recipe, answer)
        steps = list(self._walked.learn(recipe, answer.path))
        anywhere = {str(one) for one in recipe.passes if one.at in ("", *SITES_BY_PRICE)}  # not at sites by number
        self._useful.update(one for _, one, _ in steps if one in anywhere)
        if not program:
            self._refused.add(recipe)
            return edges
        known = self._by_program.get(program)
        if known is None or _plainness(recipe) < _plainness(known.recipe):
            successors = known.successors if known is not None else None
            state = State(program, recipe, answer.cycles, successors, None, answer.violation)
            self._put(state, known)
            if answer.cycles is not None:
                self._cheapest[recipe.choices] = min(answer.cycles, self._cheapest.get(recipe.choices, answer.cycles))
        if known is None:
            came = dict.fromkeys((*self._walked.towards(program), *self.open_programs.close(program)))
            steps += [(before, one, program) for before, one in came]
            steps += [(program, one, to) for one, to in self._walked.after(program).items() if to != program]
        if answer.successors is not None:
            edges += self.expand(recipe, answer)
        return edges + list(self._edges(steps))

    def expand(self, recipe: Recipe, answer: Answer) -> list[Edge]:
        """Remember what leads on from a state that its recipe was found to come to.

        Args:
            recipe: of the state, or another one for its program.
            answer: with the successors; without them nothing is remembered.

        Returns:
            Edges as of `add`.
        """
        state = self._by_program[answer.program]
        if answer.successors is None or state.cycles is None:
            return []
        if state.recipe == recipe:
            state = self._by_program[state.program] = replace(state, sites=answer.sites)
        if state.successors is not None:
            return []
        # What executing its streams showed, which may not have been done when it was evaluated.
        self._put(replace(state, successors=answer.successors, violation=answer.violation), state)
        for one in answer.successors:
            if (longer := extended(state.recipe, one)) in self._refused:
                self.add(longer, Answer(answer.successors[one], None))
        self._useful.update(answer.successors)
        self.open_programs.open(state.program, state.value, answer.successors)
        return list(self._edges((state.program, one, to) for one, to in answer.successors.items()))

    def _put(self, state: State, known: State | None) -> None:
        self._by_program[state.program] = state
        if known is not None and known.cycles is not None:
            for ranked, entry in self._places(known):
                del ranked[bisect_left(ranked, entry)]
        if state.cycles is not None:
            for ranked, entry in self._places(state):
                insort(ranked, entry)

    def _places(self, state: State) -> Iterator[tuple[list[Any], tuple[Any, ...]]]:
        """Where it is kept in order, for these are asked for again and again."""
        ranked = self._beyond if state.violation else self._offered
        yield ranked, (state.violation, *_rank(state), state.program)
        if state.successors is None:
            yield self._unexpanded, (state.value, state.program)

    def _edges(self, steps: Iterable[tuple[str, str, str]]) -> Iterator[Edge]:
        for program, one, to in steps:
            before, after = self._by_program.get(program), self._by_program.get(to)
            if before is None or after is None or before.cycles is None or (program, one) in self._known_edges:
                continue
            self._known_edges.add((program, one))
            yield Edge(one, after.value - before.value)

    def _choice_edges(self, root: Recipe, answer: Answer) -> list[Edge]:
        before = self.root_before(root)
        if not root.choices or before is None or before.cycles is None:
            return []
        return [Edge(choice_text(root), answer.value - before.value)]

    def foretold(self, recipe: Recipe) -> str:
        """The program that a recipe gives by what is known of its beginnings; empty if that is not enough."""
        program = self._walked.start(recipe)
        for one in recipe.passes:
            after = self._walked.after(program).get(str(one))
            if after is None:
                state = self._by_program.get(program)
                if state is None or state.successors is None or (one.at and str(one) not in state.successors):
                    return ""
                after = state.successors.get(str(one), program)
            program = after
        return program

    def _is_root(self, recipe: Recipe) -> bool:
        return not recipe.passes or recipe.passes in self._starts

    def _root_of(self, recipe: Recipe) -> Recipe:
        """The recipe itself if it is a root, else the longest evaluated root that it goes on from."""
        if self._is_root(recipe):
            return recipe
        for length in range(len(recipe.passes), 0, -1):
            root = Recipe(recipe.choices, recipe.passes[:length])
            if root in self._roots:
                return root
        return Recipe(recipe.choices)

    def first_roots(self) -> list[Recipe]:
        """The roots that are to be evaluated before others. First come those without choices, then each choice by
        itself, since its effect cannot be guessed from that of passes. Then all choices that pay are combined, as
        lowered and with every start."""
        alone = [root for root in self._first_roots if not (root.choices and root.passes)]
        return [*alone, *self._together(), *self._other_widths()]

    def _together(self) -> list[Recipe]:
        default = self.root(Recipe())
        if default is None or any(Recipe(taken) not in self._roots for taken in self._singles):
            return []
        pays: dict[str, tuple[float, Setting]] = {}
        for taken in self._singles:
            state, ((name, _),) = self.root(Recipe(taken)), taken
            if state is not None and state.value < min(default.value, pays[name][0] if name in pays else inf):
                pays[name] = state.value, taken
        if not pays:
            return []
        choices = tuple(sorted(taken[0] for _, taken in pays.values()))
        _, best = min(pays.values())
        return [Recipe(choices, start) for start in ((), *self._starts_by[best])]

    def _other_widths(self) -> Iterator[Recipe]:
        """Widths are not chosen for their cycles alone. So the rest of the best root is tried with each width, and with
        none."""
        together = self._together()
        states = [(state.value, root) for root in together if (state := self.root(root)) is not None]
        if not states or any(root not in self._roots for root in together):
            return
        _, best = min(states, key=lambda one: one[0])
        taken = dict(best.choices)
        for name, one in self._widths:
            yield Recipe(tuple(sorted({**taken, name: one}.items())), best.passes)
        for name in dict.fromkeys(name for name, _ in self._widths):
            yield Recipe(tuple(setting for setting in best.choices if setting[0] != name), best.passes)

    def open_roots(self) -> list[Recipe]:
        """Roots that are not evaluated: the first ones, then those that put together what has paid."""
        roots = dict.fromkeys((*self._first_roots, *self._together(), *self._other_widths(), *self._joined()))
        return [root for root in roots if root not in self._roots]

    def roots_to_try(self) -> list[Recipe]:
        """The open roots. When nothing else is left, every other combination of choices with every start. Without them
        the space is not seen whole."""
        return self.open_roots() or ([] if self.open_programs or self._unexpanded else self._other_roots())

    def _other_roots(self) -> list[Recipe]:
        none: tuple[tuple[str, str], ...] = ()
        ways = [[none, *(((name, one),) for one in alternatives)] for name, alternatives in self.choices.items()]
        combined = [tuple(chain.from_iterable(taken)) for taken in product(*ways)]
        roots = (Recipe(taken, start) for taken in combined if len(taken) > 1 for start in ((), *self._starts))
        return [root for root in roots if root not in self._roots]

    def _joined(self) -> Iterator[Recipe]:
        best = self.best()
        if best is None or not best.recipe.choices:
            return
        plain = self._cheapest.get(())
        taken = dict(best.recipe.choices)
        for ((name, one),) in self._singles:
            alone = self._cheapest.get(((name, one),))
            if name not in taken and alone is not None and plain is not None and alone < plain:
                yield Recipe(tuple(sorted({**taken, name: one}.items())), self._root_of(best.recipe).passes)

    def __getitem__(self, program: str) -> State:
        return self._by_program[program]

    def __contains__(self, program: str) -> bool:
        return program in self._by_program

    def __len__(self) -> int:
        return len(self._by_program)

    def root(self, recipe: Recipe) -> State | None:
        """The state of a root, None if it is not evaluated or gives no program."""
        program = self._roots.get(recipe)
        return self._by_program.get(program) if program else None

    def root_before(self, root: Recipe) -> State | None:
        """The state of the root without the last choice, or of the default if there is none that starts alike."""
        return self.root(Recipe(root.choices[:-1], root.passes)) or self.root(Recipe())

    def score(self, cycles: int | None) -> int:
        """What a minimiser takes for a program: its cycles, or twice those of the default if it is not right."""
        default = self.root(Recipe())
        reference = default.cycles if default is not None and default.cycles is not None else 0
        return cycles if cycles is not None else 2 * reference

    def best(self) -> State | None:
        """The cheapest state that may be offered; of equals the most exact, the shortest, then by text."""
        return self._by_program[self._offered[0][-1]] if self._offered else None

    def promising(self) -> list[State]:
        """States around which to look for better ones. These are the cheapest ones, and those that would be cheaper but
        are beyond the limits, the least so first."""
        limit = self._offered[0][1] if self._offered else inf
        beyond = (entry for entry in self._beyond if entry[1] < limit)
        entries = (*self._offered[:_CHEAPEST], *islice(beyond, _BEYOND))
        return [self._by_program[entry[-1]] for entry in entries]

    def useful_passes(self) -> list[str]:
        """Passes that change some program that was seen, and those that starts are made of."""
        return sorted(self._useful)

    def all_seen(self) -> bool:
        """Whether every program that is known of is evaluated and expanded: the frontier is empty."""
        return not self.open_programs and not self._unexpanded and not self.roots_to_try()

    def unexpanded(self) -> State | None:
        """The one that is worth the most of those that are right."""
        return self._by_program[self._unexpanded[0][1]] if self._unexpanded else None

    def frontier(self) -> list[Recipe]:
        """Recipes for every program that is known of and not evaluated, those behind the cheapest states first."""
        waiting: dict[str, tuple[tuple[int, int, str], Recipe]] = {}
        for state in self._by_program.values():
            for name, program in (state.successors or {}).items():
                if program in self._by_program:
                    continue
                recipe = extended(state.recipe, name)
                rank = (state.cycles or 0, len(recipe.elements), str(recipe))
                if program not in waiting or rank < waiting[program][0]:
                    waiting[program] = (rank, recipe)
        return self.roots_to_try() + [recipe for _, recipe in sorted(waiting.values(), key=lambda entry: entry[0])]

    def root_steps(self, root: Recipe) -> list[Step]:
        """The decisions that lead to a root."""
        taken = dict(root.choices)
        steps = [
            Step(name, (AS_LOWERED, *alternatives), taken.get(name, AS_LOWERED))
            for name, alternatives in self.choices.items()
        ]
        if self._starts:
            steps.append(Step(START, (AS_LOWERED, *self._starts.values()), self._starts.get(root.passes, AS_LOWERED)))
        return steps


def _rank(state: State) -> tuple[int, tuple[int, int], str]:
    return state.cycles or 0, _plainness(state.recipe), str(state.recipe)


def _plainness(recipe: Recipe) -> tuple[int, int]:
    return recipe.exactness, len(recipe.elements)


def choice_text(root: Recipe) -> str:
    """Its last choice as a recipe writes it; empty if it has none."""
    return "=".join(root.choices[-1]) if root.choices else ""


def extended(recipe: Recipe, pass_text: str) -> Recipe:
    """A recipe with one more pass at its end, or several.

    Args:
        recipe: to extend.
        pass_text: text of the passes.

    Returns:
        The longer recipe.
    """
    return Recipe(recipe.choices, (*recipe.passes, *Recipe.parse(pass_text).passes))
