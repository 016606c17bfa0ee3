"""The programs that a search has seen, and how passes lead from one to the next.

A state is a distinct program, known by its content hash. Sequences of passes that lead to the same program are one
state. A state that is expanded says which passes change it and to what. So it is known what is left. When no program is
open and no state unexpanded, the space is exhausted.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from math import inf
from typing import Any

from search_space.choices.frontend.base import Setting
from search_space.passes.recipe_pass import SITES_BY_PRICE
from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer
from tuner.search.graph.frontier import Frontier
from tuner.search.graph.known_steps import KnownSteps
from tuner.search.graph.roots import Roots, choice_text
from tuner.search.graph.state import Edge, State

_CHEAPEST, _BEYOND = 3, 2


class ProgramGraph:
    """All states of one model and target.

    Attributes:
        roots: recipes that are evaluated as a whole; all others extend one of them.
        open_programs: programs that passes are known to lead to, and that are not evaluated.
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
            starts: as of `Roots`.
            settings: single choices inside ExecuTorch that lead to another program -> the sequences to start from with
                it. None for no such choice.
        """
        self._by_program: dict[str, State] = {}
        self.roots = Roots(choices, starts, settings or {}, self._by_program)
        #: By violation and rank, with the program: the best first.
        self._offered: list[tuple[float, int, tuple[int, int], str, str]] = []
        self._beyond: list[tuple[float, int, tuple[int, int], str, str]] = []
        self._useful = self.roots.passes_of_starts()
        self.open_programs = Frontier()
        self._walked = KnownSteps()
        self._known_edges: set[tuple[str, str]] = set()  # program, pass
        self._refused: set[Recipe] = set()
        #: By value, with the program: the best first.
        self._unexpanded: list[tuple[float, str]] = []

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
        program = answer.program or self.known_program(recipe)
        edges = []
        if self.roots.is_root(recipe):
            self.roots.record(recipe, program)
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
                self.roots.record_cycles(recipe.choices, answer.cycles)
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
        before = self.roots.state_before(root)
        if not root.choices or before is None or before.cycles is None:
            return []
        return [Edge(choice_text(root), answer.value - before.value)]

    def known_program(self, recipe: Recipe) -> str:
        """The program of a recipe, by what is known of its prefixes; empty if that is not enough."""
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

    def roots_to_try(self) -> list[Recipe]:
        """The open roots. When nothing else is left, every other combination of choices with every start. Without them
        the space is not seen whole."""
        return self.roots.open(self.best()) or ([] if self.open_programs or self._unexpanded else self.roots.others())

    def __getitem__(self, program: str) -> State:
        return self._by_program[program]

    def __contains__(self, program: str) -> bool:
        return program in self._by_program

    def __len__(self) -> int:
        return len(self._by_program)

    def score(self, cycles: int | None) -> int:
        """The value of a program that is minimised.

        It is its cycles, or twice those of the default if it is not right.
        """
        default = self.roots.state(Recipe())
        reference = default.cycles if default is not None and default.cycles is not None else 0
        return cycles if cycles is not None else 2 * reference

    def best(self) -> State | None:
        """The cheapest state that may be offered; of equals the most exact, the shortest, then by text."""
        return self._by_program[self._offered[0][-1]] if self._offered else None

    def promising(self) -> list[State]:
        """States around which to look for better ones. These are the cheapest ones, and those that would be cheaper but
        exceed the limits. The smallest excess comes first.
        """
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


def _rank(state: State) -> tuple[int, tuple[int, int], str]:
    return state.cycles or 0, _plainness(state.recipe), str(state.recipe)


def _plainness(recipe: Recipe) -> tuple[int, int]:
    return recipe.exactness, len(recipe.elements)


def extended(recipe: Recipe, pass_text: str) -> Recipe:
    """A recipe with one more pass at its end, or several.

    Args:
        recipe: to extend.
        pass_text: text of the passes.

    Returns:
        The longer recipe.
    """
    return Recipe(recipe.choices, (*recipe.passes, *Recipe.parse(pass_text).passes))
