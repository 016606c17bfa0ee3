"""Where a pass pays: sites at which what it changes, compiled by itself, is cheaper afterwards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator
from typing import Protocol

from search_space.analysis.changed_region import changed_region
from search_space.ir.graph import Graph
from search_space.ir.target_facts import TargetFacts

#: Where stream cycles fall; or where neither they nor Vela's estimate rise, one of the two falls, and the part needs no
#: more SRAM than it or the whole program did before the pass.
PAYING, AGREED = "paying", "agreed"


class Rewrites(Protocol):
    """What a pass is here."""

    def at_each(self, graph: Graph, facts: TargetFacts, but: Container[int]) -> Iterator[tuple[int, Graph]]: ...

    def apply(self, graph: Graph, only: Collection[int], facts: TargetFacts) -> Graph: ...


def rewritten_where_it_pays(graph: Graph, one: Rewrites, facts: TargetFacts, by: str) -> Graph:
    """The graph after the pass at every site where the part that changes is cheaper by PAYING or AGREED, until there is
    no such site.

    What surrounds the part is not seen: a rewrite can pay in a program and not by itself, and the other way round.
    """
    return rewritten_where(graph, one, facts, lambda before, after: pays(before, after, facts, by, graph))


def rewritten_where(graph: Graph, one: Rewrites, facts: TargetFacts, wanted: Callable[[Graph, Graph], bool]) -> Graph:
    """The graph after the pass at every site where it is wanted, until there is none.

    wanted: says so of the graph before and after.
    """
    refused: set[int] = set()
    while True:
        before = graph
        for node_id, after in one.at_each(before, facts, frozenset(refused)):
            if graph is not before:
                if node_id not in graph.nodes:
                    continue
                after = one.apply(graph, {node_id}, facts)
                if after is graph:
                    continue
            if wanted(graph, after):
                graph = after
            else:
                refused.add(node_id)
        if graph is before:
            return graph


def pays(before: Graph, after: Graph, facts: TargetFacts, by: str, whole: Graph) -> bool:
    """Whether what `after` changes is cheaper than it was in `before`, by PAYING or AGREED: as it is written, or with
    the movements on both sides written as cheaply as is known. What brings a movement along leaves it to other passes
    how to write it, and would be refused for what they do away with.

    whole: the program before the pass, whose SRAM it may need.
    """
    from search_space.recipe.normalised_moves import (
        moved_cheaply,  # passes do it, and this is how they find their sites
    )

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


def cheaper(before: Graph, after: Graph, facts: TargetFacts, by: str) -> bool:
    """Whether a program is cheaper by itself than another one, by PAYING or AGREED, memory aside."""
    old, new = facts.program_cycles(before), facts.program_cycles(after)
    if old is None or new is None:
        return False
    if by == PAYING:
        return new[0] < old[0]
    return new != old and all(n <= o for n, o in zip(new, old, strict=True))
