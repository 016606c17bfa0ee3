"""Comparison of two programs by cost, and rewrites at the sites where it is lower."""

from __future__ import annotations

from collections.abc import Callable

from search_space.ir.graph import Graph
from search_space.ir.target_facts import TargetFacts
from search_space.passes.base import Pass
from search_space.passes.recipe_pass import PROFITABLE


def rewrite_where(graph: Graph, one: Pass, facts: TargetFacts, wanted: Callable[[Graph, Graph], bool]) -> Graph:
    """Apply a pass at every site where a condition holds, until there is none.

    Args:
        graph: the program.
        one: the pass.
        facts: about the target.
        wanted: the condition, of the program before and after the rewrite of one site.

    Returns:
        The new program; `graph` itself if no site was rewritten.
    """
    refused: set[int] = set()
    while True:
        before = graph
        for node_id, after in one.iter_rewrites(before, facts, frozenset(refused)):
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


def cheaper(before: Graph, after: Graph, facts: TargetFacts, by: str) -> bool:
    """Whether a program costs less than another one, each compiled alone. SRAM is not compared.

    Args:
        before: the program that it is compared with.
        after: the program.
        facts: about the target.
        by: PROFITABLE or PROFITABLE_BY_BOTH.

    Returns:
        True if it does, False also if the target does not take one of them.
    """
    old, new = facts.program_cycles(before), facts.program_cycles(after)
    if old is None or new is None:
        return False
    if by == PROFITABLE:
        return new[0] < old[0]
    return new != old and all(n <= o for n, o in zip(new, old, strict=True))
