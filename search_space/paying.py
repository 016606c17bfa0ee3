"""Where a pass pays: sites at which what it changes, compiled by itself, is cheaper afterwards."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from search_space.facts import TargetFacts
from search_space.graph import Graph
from search_space.region import changed_region

#: Where stream cycles fall; or where neither they nor Vela's estimate rise, and one of the two falls.
PAYING, AGREED = "paying", "agreed"


class Rewrites(Protocol):
    """What a pass is here."""

    def sites(self, graph: Graph, facts: TargetFacts) -> tuple[int, ...]: ...

    def apply(self, graph: Graph, only: Collection[int], facts: TargetFacts) -> Graph: ...


def rewritten_where_it_pays(graph: Graph, one: Rewrites, facts: TargetFacts, by: str) -> Graph:
    """The graph after the pass at every site where the part that changes is cheaper by PAYING or AGREED, until there is
    no such site.

    What surrounds the part is not seen: a rewrite can pay in a program and not by itself, and the other way round.
    """
    refused: set[int] = set()
    while True:
        waiting = [i for i in one.sites(graph, facts) if i not in refused]
        before = graph
        for node_id in waiting:
            if node_id not in graph.nodes:
                continue
            after = one.apply(graph, {node_id}, facts)
            if after is graph:
                continue
            if pays(graph, after, facts, by):
                graph = after
            else:
                refused.add(node_id)
        if graph is before:
            return graph


def pays(before: Graph, after: Graph, facts: TargetFacts, by: str) -> bool:
    """Whether what `after` changes is cheaper than it was in `before`, by PAYING or AGREED."""
    old, new = (facts.program_cycles(part) for part in changed_region(before, after))
    if old is None or new is None:
        return False
    if by == PAYING:
        return new[0] < old[0]
    return new != old and all(n <= o for n, o in zip(new, old, strict=True))
