"""Filling a table with the real evaluator: every program of a space is compiled, checked and extended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import combinations, product
from typing import Any

from benchmarks.search.laboratory.table import DIGEST, Chosen, Program, Table
from search_space.passes.recipe_pass import SITES_BY_PRICE
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import SPACE_VERSION
from tuner.paths import cache_folder
from tuner.tuning.objective import FamilyObjective, Objective
from workers.backend.cost import Cost
from workers.cache.memo import Memo
from workers.ethos_u.cost.stream_cost import MODEL_VERSION
from workers.ethos_u.lowering.base_program import load_or_lower
from workers.ethos_u.programs import TosaPrograms
from workers.ethos_u.target import Target
from workers.evaluator import Evaluator


@dataclass(frozen=True)
class Space:
    """What a table is to hold.

    Attributes:
        passes: that are its elements, as a recipe writes them.
        by_site: passes that are also elements for each set of their sites, and for the profitable ones. The value is
            the most sites that there are.
        most: programs.
    """

    model: str
    target: str
    passes: str
    by_site: tuple[tuple[str, int], ...] = ()
    most: int = 1000

    @property
    def elements(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*map(str, Recipe.parse(self.passes).passes), *self._sited())))

    def _sited(self) -> Iterator[str]:
        for name, count in self.by_site:
            yield from (f"{name}@{at}" for at in SITES_BY_PRICE)
            for size in range(1, count + 1):
                for some in combinations(range(1, count + 1), size):
                    yield f"{name}@{'+'.join(map(str, some))}"


def record(space: Space, progress: Callable[[int, int], None]) -> Table:
    """The table of a space, whole or its first `space.most` programs. It goes on from the cheapest program each time.
    Where it is cut, what leads further is taken to change nothing.

    Args:
        progress: called with how many programs were extended, and how many are known.
    """
    target, cache = Target.parse(space.target), cache_folder()
    base = load_or_lower(space.model, target, cache_dir=cache / "lowered", seed=0)
    evaluator = Evaluator(TosaPrograms(base, target, Memo(cache / "memo"), cache / "values", seed=0))
    choices, elements = evaluator.open_choices(), space.elements
    objective = Objective().on(target.backend)
    default = evaluator.evaluate(Recipe()).cost
    assert default is not None
    walk = _Walk(evaluator, space, objective, default)
    roots = walk.roots(choices)
    done = 0
    while walk.waiting:
        walk.go_on()
        done += 1
        progress(done, len(walk.found))
    programs = tuple(_program(one, objective, default) for one in walk.found)
    versions = {**dict(sorted(base.versions.items())), "search space": SPACE_VERSION, "stream cycles": MODEL_VERSION}
    starts = _within(evaluator.starting_points(), elements)
    return Table(space.model, space.target, elements, choices, starts, roots, programs, versions, walk.whole)


@dataclass
class _Found:
    digest: str
    recipe: Recipe
    cost: Cost | None
    after: dict[str, int] = field(default_factory=dict)
    sites: dict[str, Chosen] = field(default_factory=dict)


class _Walk:
    """The programs of a space, cheapest first. waiting: cycles and numbers of those that are not extended yet."""

    def __init__(self, evaluator: Evaluator[Any], space: Space, objective: FamilyObjective, default: Cost) -> None:
        self._evaluator, self._space, self._objective, self._default = evaluator, space, objective, default
        self.found: list[_Found] = []
        self.waiting: list[tuple[int, int]] = []
        self.whole = True
        self._numbers: dict[str, int] = {}

    def roots(self, choices: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
        """Evaluate what the choices lead to; recipe -> number of its program."""
        numbers = {
            str(root): self._numbered(self._evaluator.evaluate(root).program_hash, root) for root in _roots(choices)
        }
        return {root: number for root, number in numbers.items() if number is not None}

    def go_on(self) -> None:
        """Evaluate what every element makes of the cheapest program that is waiting."""
        one = self.found[heappop(self.waiting)[1]]
        for element in self._space.elements:
            (added,) = Recipe.parse(element).passes
            longer = Recipe(one.recipe.choices, (*one.recipe.passes, added))
            for reached in self._evaluator.expand(one.recipe, added).values():
                number = self._numbered(reached, longer)
                if number is not None:
                    one.after[element] = number
                    if longer.passes[-1].at:
                        one.sites[element] = self._evaluator.sites(longer)[len(one.recipe.passes)]

    def _numbered(self, digest: str, recipe: Recipe) -> int | None:
        if digest not in self._numbers and len(self.found) == self._space.most:
            self.whole = False
            return None
        if digest not in self._numbers:
            self._numbers[digest] = len(self.found)
            cost = self._evaluator.evaluate(recipe).cost
            self.found.append(_Found(digest, recipe, cost))
            if cost is not None:
                heappush(self.waiting, (self._objective.cycles(cost, self._default), self._numbers[digest]))
        return self._numbers[digest]


def _program(one: _Found, objective: FamilyObjective, default: Cost) -> Program:
    digest = one.digest[:DIGEST]
    if one.cost is None:
        return Program(digest, None, 0.0, None, {}, {})
    violation = sum(objective.violations(one.cost, default).values())
    return Program(digest, objective.cycles(one.cost, default), violation, one.cost.sram_bytes, one.after, one.sites)


def _roots(choices: Mapping[str, tuple[str, ...]]) -> Iterator[Recipe]:
    """Every combination of choices."""
    options = ([None, *((name, one) for one in alternatives)] for name, alternatives in choices.items())
    for taken in product(*options):
        yield Recipe(tuple(one for one in taken if one is not None))


def _within(starts: Sequence[str], elements: Sequence[str]) -> tuple[str, ...]:
    """The starting points without the passes that are no elements."""
    kept = (tuple(one for one in Recipe.parse(text).passes if str(one) in elements) for text in starts)
    return tuple(str(Recipe(passes=passes)) for passes in dict.fromkeys(kept) if passes)
