"""Filling a table with the real evaluator: every program of a space is compiled, checked and gone on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from benchmarks.laboratory.table import DIGEST, Chosen, Program, Table
from search_space.passes.base import SITES_BY_PRICE
from search_space.recipe import Recipe
from search_space.space import SPACE_VERSION
from tuner.objective import Objective
from tuner.paths import cache_folder
from workers.base_program import load_or_lower
from workers.evaluator import Evaluator
from workers.memo import Memo
from workers.stream_cost import MODEL_VERSION
from workers.target import Target


@dataclass(frozen=True)
class Space:
    """What a table is to hold.

    elements: as recipes write them. by_site: passes that are also elements for each set of some of their sites, and for
    those where they pay, with how many sites there are at most.
    """

    model: str
    target: str
    elements: tuple[str, ...]
    by_site: tuple[tuple[str, int], ...] = ()

    def all_elements(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.elements, *self._sited())))

    def _sited(self) -> Iterator[str]:
        for name, count in self.by_site:
            yield from (f"{name}@{at}" for at in SITES_BY_PRICE)
            for size in range(1, count + 1):
                for some in combinations(range(1, count + 1), size):
                    yield f"{name}@{'+'.join(map(str, some))}"


class TooLarge(Exception):
    """The space has more programs than it may."""


def record(space: Space, most: int, progress: Callable[[int, int], None]) -> Table:
    """The table of a space. progress: told how many programs are done and how many are known.

    Raises TooLarge if there are more than `most` programs: then the space has to be made smaller, for a table is whole.
    """
    target = Target.parse(space.target)
    base = load_or_lower(space.model, target, cache_dir=cache_folder() / "lowered", seed=0)
    evaluator = Evaluator(base, target, Memo(cache_folder() / "memo"), seed=0)
    choices, elements = evaluator.open_choices(), space.all_elements()
    objective = Objective()
    default = evaluator.evaluate("default", expand=False).cost
    assert default is not None
    recipes: list[Recipe] = []
    digests: dict[str, int] = {}  # in the order of the recipes

    def numbered(digest: str, recipe: Recipe) -> int:
        if digest not in digests:
            if len(recipes) == most:
                raise TooLarge(f"{space.model} on {space.target}: more than {most} programs")
            digests[digest] = len(recipes)
            recipes.append(recipe)
        return digests[digest]

    def program(digest: str, recipe: Recipe) -> Program:
        cost = evaluator.evaluate(str(recipe), expand=False).cost
        if cost is None:
            return Program(digest, None, 0.0, None, {}, {})
        after: dict[str, int] = {}
        sites: dict[str, Chosen] = {}
        for element in elements:
            longer = Recipe(recipe.choices, (*recipe.passes, *Recipe.parse(element).passes))
            for reached in evaluator.expand(str(recipe), element).values():
                after[element] = numbered(reached, longer)
                if longer.passes[-1].at:
                    sites[element] = evaluator.sites(longer)[len(recipe.passes)]
        violation = sum(objective.violations(cost, default).values())
        return Program(digest, objective.cycles(cost, default), violation, cost.sram_bytes, after, sites)

    roots = {
        str(root): numbered(evaluator.evaluate(str(root), expand=False).program_hash, root) for root in _roots(choices)
    }
    programs: list[Program] = []
    while len(programs) < len(recipes):
        programs.append(program(list(digests)[len(programs)][:DIGEST], recipes[len(programs)]))
        progress(len(programs), len(recipes))
    versions = {**dict(sorted(base.versions.items())), "search space": SPACE_VERSION, "stream cycles": MODEL_VERSION}
    starts = _within(evaluator.starting_points(), elements)
    return Table(space.model, space.target, elements, choices, starts, roots, tuple(programs), versions)


def _roots(choices: Mapping[str, tuple[str, ...]]) -> Iterator[Recipe]:
    """Every combination of choices."""
    for taken in product(*(((), *((name, one) for one in alternatives)) for name, alternatives in choices.items())):
        yield Recipe(tuple(filter(None, taken)))


def _within(starts: Sequence[str], elements: Sequence[str]) -> tuple[str, ...]:
    """The starting points without the passes that are no elements."""
    kept = (tuple(one for one in Recipe.parse(text).passes if str(one) in elements) for text in starts)
    return tuple(str(Recipe(passes=passes)) for passes in dict.fromkeys(kept) if passes)
