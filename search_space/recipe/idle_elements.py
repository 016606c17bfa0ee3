"""Notes about elements of a recipe that change nothing."""

from __future__ import annotations

from collections.abc import Sequence

from search_space.ir.graph import Graph
from search_space.ir.target_facts import ANY_TARGET, TargetFacts
from search_space.passes.base import Pass
from search_space.passes.recipe_pass import SITES_BY_PRICE, RecipePass

#: An element of a recipe: a pass, or a lowering choice and its alternative.
Element = RecipePass | tuple[str, str]


def why_idle(
    element: Element,
    before: Sequence[Graph],
    after: Sequence[Graph],
    where: str,
    facts: TargetFacts = ANY_TARGET,
) -> str | None:
    """Say why an element of a recipe changed nothing.

    Args:
        element: a pass, or a choice and its alternative.
        before: the program's graphs before the element.
        after: its graphs after it.
        where: what the program is called, such as `this model`.
        facts: about the target for which the pass was applied.

    Returns:
        One line, or None if the element changed something.
    """
    if any(old.hash != new.hash for old, new in zip(before, after, strict=True)):
        return None
    if isinstance(element, tuple):
        return f"{'='.join(element)} changes nothing in {where}"
    sited = element.sites if isinstance(element, Pass) else None
    count = max((len(sited(graph, facts)) for graph in before if sited is not None), default=0)
    if not count:
        return f"{element} has no site in {where}"
    sites = f"{count} site{'s' if count > 1 else ''}"
    if element.at in SITES_BY_PRICE:
        return f"{element} changes nothing in {where}: it has {sites} there, and none is profitable"
    return f"{element} changes nothing in {where}: it has {sites} there"
