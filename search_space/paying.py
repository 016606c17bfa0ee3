"""Where a pass pays: sites at which what it changes, compiled by itself, is cheaper afterwards."""

from __future__ import annotations

from collections.abc import Callable

from search_space.facts import TargetFacts
from search_space.graph import Graph
from search_space.region import changed_region

Rewrite = Callable[[Graph, int], Graph]


#: Where stream cycles fall; or where neither they nor Vela's estimate rise, and one of the two falls.
PAYING, AGREED = "paying", "agreed"


def rewritten_where_it_pays(graph: Graph, rewrite: Rewrite, facts: TargetFacts, by: str) -> Graph:
    """The graph with `rewrite` (the graph and a node -> the graph after it, or itself) at every node where the part
    that changes is cheaper by PAYING or AGREED; nodes that a rewrite makes are tried as well.

    What surrounds the part is not seen: a rewrite can pay in a program and not by itself, and the other way round.
    """
    waiting = list(graph.order)
    while waiting:
        node_id = waiting.pop(0)
        if node_id not in graph.nodes:
            continue
        after = rewrite(graph, node_id)
        if after is not graph and _pays(graph, after, facts, by):
            waiting.extend(i for i in after.order if i not in graph.nodes)
            graph = after
    return graph


def _pays(before: Graph, after: Graph, facts: TargetFacts, by: str) -> bool:
    old, new = (facts.program_cycles(part) for part in changed_region(before, after))
    if old is None or new is None:
        return False
    if by == PAYING:
        return new[0] < old[0]
    return new != old and all(n <= o for n, o in zip(new, old, strict=True))
