"""A program whose movements are written as cheaply as is known."""

from __future__ import annotations

from search_space.analysis.changed_region import changed_region
from search_space.choices.data_movement.transpose_as_conv import TransposeAsConv
from search_space.ir.graph import Graph
from search_space.ir.target_facts import TargetFacts
from search_space.passes.base import PROFITABLE
from search_space.passes.select_transposes import SelectTransposes
from search_space.recipe.price import cheaper, rewritten_where


def moved_cheaply(program: Graph, facts: TargetFacts) -> Graph:
    """The program with every movement in the cheapest transposes, or as a convolution where that takes fewer stream
    cycles; the program itself if nothing is cheaper."""

    def pays(before: Graph, after: Graph) -> bool:
        return cheaper(*changed_region(before, after), facts, PROFITABLE)

    return rewritten_where(SelectTransposes().apply(program, facts=facts), TransposeAsConv(), facts, pays)
