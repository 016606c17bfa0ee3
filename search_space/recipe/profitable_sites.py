"""Selection of a pass's sites by price: those where the changed part, compiled alone, becomes cheaper."""

from __future__ import annotations

from search_space.analysis.changed_region import changed_region
from search_space.errors import SpaceError
from search_space.ir.graph import Graph
from search_space.ir.target_facts import ANY_TARGET, TargetFacts
from search_space.passes.base import Pass
from search_space.passes.recipe_pass import PROFITABLE, SITES_BY_PRICE, RecipePass
from search_space.recipe.normalised_transposes import normalise_transposes
from search_space.recipe.price import cheaper, rewrite_where


def applied(one: RecipePass, graph: Graph, facts: TargetFacts = ANY_TARGET) -> Graph:
    """Apply a pass of a recipe at the sites that it is for.

    Sites by price are those where the changed part becomes cheaper by PROFITABLE or PROFITABLE_BY_BOTH. They are
    rewritten until there is no such site. The part is compiled alone. A rewrite can be profitable in the program and
    not alone, and vice versa.

    Args:
        one: the pass.
        graph: the program.
        facts: about the target.

    Returns:
        The new program; `graph` itself if there is no site.

    Raises:
        SpaceError: the pass does not terminate, or is for programs of another kind.
    """
    rewrite = _on_graphs(one)
    if one.at not in SITES_BY_PRICE:
        return rewrite.apply(graph, facts=facts)
    by = one.at
    return rewrite_where(graph, rewrite, facts, lambda before, after: is_profitable(before, after, facts, by, graph))


def chosen_sites(one: RecipePass, graph: Graph, facts: TargetFacts = ANY_TARGET) -> tuple[tuple[int, ...], int]:
    """The sites that a pass of a recipe is for. Each is looked at as if it were the only one.

    Args:
        one: the pass.
        graph: the program.
        facts: about the target.

    Returns:
        The numbers of the sites, and the number of all sites.

    Raises:
        SpaceError: the pass is for programs of another kind.
    """
    rewrite = _on_graphs(one)
    if one.at in SITES_BY_PRICE:
        rewrites = rewrite.iter_rewrites(graph, facts)
        profitable = [is_profitable(graph, after, facts, one.at, graph) for _, after in rewrites]
        return tuple(number for number, pay in enumerate(profitable, 1) if pay), len(profitable)
    sites = rewrite.sites(graph, facts)
    numbers = one.numbers or range(1, len(sites) + 1)
    return tuple(number for number in numbers if number <= len(sites)), len(sites)


def _on_graphs(one: RecipePass) -> Pass:
    """Raises SpaceError if it is for programs of another kind."""
    if isinstance(one, Pass):
        return one
    raise SpaceError(f"{one.name} is no pass on TOSA programs")


def is_profitable(before: Graph, after: Graph, facts: TargetFacts, by: str, whole: Graph) -> bool:
    """Whether a rewrite makes the changed part cheaper.

    The two parts are compared as written, and with the layout transforms of both in the cheapest form. A rewrite may
    introduce a transpose that later passes make cheaper or remove.

    Args:
        before: the program before the rewrite.
        after: the program after it.
        facts: about the target.
        by: PROFITABLE or PROFITABLE_BY_BOTH.
        whole: the program before the pass. The changed part may need as much SRAM as this program does.

    Returns:
        True if it does.
    """
    old, new = changed_region(before, after)
    if _better(old, new, whole, facts, by):
        return True
    moved_old, moved_new = normalise_transposes(old, facts), normalise_transposes(new, facts)
    moved = moved_old is not old or moved_new is not new
    return moved and _better(moved_old, moved_new, whole, facts, by)


def _better(old: Graph, new: Graph, whole: Graph, facts: TargetFacts, by: str) -> bool:
    """Whether a part is better than the old one."""
    if not cheaper(old, new, facts, by):
        return False
    if by == PROFITABLE:
        return True
    needed = facts.program_sram_bytes(new)
    return needed is not None and any(needed <= (facts.program_sram_bytes(one) or 0) for one in (old, whole))
