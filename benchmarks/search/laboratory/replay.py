"""Answers to a search from a table, and what the search made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from benchmarks.search.laboratory.table import Table
from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate
from tuner.search.search import WINDOW, Search


class Replay:
    """An evaluator that looks up. compiles: the distinct programs that were asked for, in order, by number."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.compiles: dict[int, None] = {}

    def evaluate(self, candidate: Candidate) -> Answer:
        """What the real evaluator answered. Only programs that were not asked for before count as compiled."""
        recipe = candidate.recipe
        number = self._table.number(recipe)
        if number is None:
            return Answer("", None)
        self.compiles[number] = None
        program = self._table.programs[number]
        answer = Answer(program.digest, program.cycles, self._path(recipe), violation=program.violation)
        if not candidate.asks_for_more(answer):
            return answer
        after = {element: self._table.programs[to].digest for element, to in program.after.items()}
        return replace(answer, successors=after, sites=self._sites(recipe))

    def _path(self, recipe: Recipe) -> tuple[str, ...]:
        beginnings = (Recipe(recipe.choices, recipe.passes[:length]) for length in range(len(recipe.passes) + 1))
        numbers = [self._table.number(one) for one in beginnings]
        return tuple(self._table.programs[number].digest for number in numbers if number is not None)

    def _sites(self, recipe: Recipe) -> dict[int, tuple[tuple[int, ...], int]]:
        found = {}
        for place, one in enumerate(recipe.passes):
            number = self._table.number(Recipe(recipe.choices, recipe.passes[:place]))
            if one.at and number is not None and str(one) in self._table.programs[number].sites:
                found[place] = self._table.programs[number].sites[str(one)]
        return found


@dataclass(frozen=True)
class Curve:
    """A search's progress.

    Attributes:
        gains: the part of the best gain that the space has which was reached after 1, 2, ... distinct compiles.
        programs: how many distinct compiles there were.
    """

    gains: tuple[float, ...]
    programs: int

    def at(self, compiles: int) -> float:
        """The part of the gain after so many distinct compiles.

        A search that ended before keeps what it has.
        """
        return self.gains[min(compiles, len(self.gains)) - 1]

    def area(self, compiles: int) -> float:
        """The mean of the gain over so many distinct compiles, from 0 to 1."""
        return sum(self.at(one) for one in range(1, compiles + 1)) / compiles

    def compiles_to(self, part: float) -> float:
        """The first number of distinct compiles after which so much of the gain was reached.

        It is infinite if it was not reached.
        """
        return next((one for one, gain in enumerate(self.gains, 1) if gain >= part), inf)


def replay(table: Table, search: Search, compiles: float = inf, asked: float = inf) -> Curve:
    """Run a search until a limit of distinct programs or of candidates, or until nothing is left."""
    lookup = Replay(table)
    while len(lookup.compiles) < compiles and search.evaluations < asked and (batch := search.ask(WINDOW)):
        for candidate in batch:
            if not search.is_dropped(candidate):
                search.tell(candidate, lookup.evaluate(candidate))
    return Curve(_gains(table, list(lookup.compiles)), len(lookup.compiles))


def _gains(table: Table, compiled: list[int]) -> tuple[float, ...]:
    whole = table.default_cycles - table.best_cycles
    reached, gains = table.default_cycles, []
    for number in compiled:
        program = table.programs[number]
        if program.cycles is not None and not program.violation:
            reached = min(reached, program.cycles)
        gains.append((table.default_cycles - reached) / whole)
    return tuple(gains)
