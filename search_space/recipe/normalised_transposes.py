"""Programs whose layout transforms are in the cheapest known form."""

from __future__ import annotations

from search_space.analysis.changed_region import changed_region
from search_space.choices.data_movement.transpose_as_conv import TransposeAsConv
from search_space.ir.graph import Graph
from search_space.ir.target_facts import TargetFacts
from search_space.passes.recipe_pass import PROFITABLE
from search_space.passes.transposes.select_transposes import SelectTransposes
from search_space.recipe.price import cheaper, rewrite_where


def normalise_transposes(program: Graph, facts: TargetFacts) -> Graph:
    """Write every layout transform in the cheapest known way.

    They become the cheapest transposes, or convolutions where these take fewer stream cycles.

    Args:
        program: the program.
        facts: about the target.

    Returns:
        The new program; `program` itself if nothing is cheaper.
    """

    def is_profitable(before: Graph, after: Graph) -> bool:
        return cheaper(*changed_region(before, after), facts, PROFITABLE)

    return rewrite_where(SelectTransposes().apply(program, facts=facts), TransposeAsConv(), facts, is_profitable)
