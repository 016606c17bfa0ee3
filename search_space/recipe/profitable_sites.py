"""Sites of a pass by their price: those at which what it changes, compiled by itself, is cheaper afterwards."""

from __future__ import annotations

from search_space.analysis.changed_region import changed_region
from search_space.errors import SpaceError
from search_space.ir.graph import Graph
from search_space.ir.target_facts import ANY_TARGET, TargetFacts
from search_space.passes.base import PAYING, SITES_BY_PRICE, Pass
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.normalised_moves import moved_cheaply
from search_space.recipe.price import cheaper, rewritten_where


def applied(one: RecipePass, graph: Graph, facts: TargetFacts = ANY_TARGET) -> Graph:
    """The graph after a pass as a recipe has it, at the sites that it is for; the graph itself if there is none.

    Sites by price: every site where the part that changes is cheaper by PAYING or AGREED, until there is no such site.
    What surrounds the part is not seen: a rewrite can pay in a program and not by itself, and the other way round.

    Raises:
        SpaceError: the pass does not come to an end, or is for programs of another kind.
    """
    rewrite = _on_graphs(one)
    if one.at not in SITES_BY_PRICE:
        return rewrite.apply(graph, facts=facts)
    return rewritten_where(graph, rewrite, facts, lambda before, after: pays(before, after, facts, one.at, graph))


def chosen_sites(one: RecipePass, graph: Graph, facts: TargetFacts = ANY_TARGET) -> tuple[tuple[int, ...], int]:
    """The numbers of the sites that a pass is for, each looked at as if it were the only one, and how many sites there
    are."""
    rewrite = _on_graphs(one)
    if one.at in SITES_BY_PRICE:
        paying = [pays(graph, after, facts, one.at, graph) for _, after in rewrite.at_each(graph, facts)]
        return tuple(number for number, pay in enumerate(paying, 1) if pay), len(paying)
    sites = rewrite.sites(graph, facts)
    numbers = one.numbers or range(1, len(sites) + 1)
    return tuple(number for number in numbers if number <= len(sites)), len(sites)


def _on_graphs(one: RecipePass) -> Pass:
    """Raises SpaceError if it is for programs of another kind."""
    if isinstance(one, Pass):
        return one
    raise SpaceError(f"{one.name} is no pass on TOSA programs")


def pays(before: Graph, after: Graph, facts: TargetFacts, by: str, whole: Graph) -> bool:
    """Whether what `after` changes is cheaper than it was in `before`, by PAYING or AGREED: as it is written, or with
    the movements on both sides written as cheaply as is known. What brings a movement along leaves it to other passes
    how to write it, and would be refused for what they do away with.

    whole: the program before the pass, whose SRAM it may need.
    """
    old, new = changed_region(before, after)
    if _better(old, new, whole, facts, by):
        return True
    moved_old, moved_new = moved_cheaply(old, facts), moved_cheaply(new, facts)
    moved = moved_old is not old or moved_new is not new
    return moved and _better(moved_old, moved_new, whole, facts, by)


def _better(old: Graph, new: Graph, whole: Graph, facts: TargetFacts, by: str) -> bool:
    """Whether a part is better than the old one."""
    if not cheaper(old, new, facts, by):
        return False
    if by == PAYING:
        return True
    needed = facts.program_sram_bytes(new)
    return needed is not None and any(needed <= (facts.program_sram_bytes(one) or 0) for one in (old, whole))
