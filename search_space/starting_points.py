"""Recipes from which a search starts: what helps most models, so that it need not be found pass by pass."""

from __future__ import annotations

from collections.abc import Sequence

from search_space.errors import SpaceError
from search_space.facts import TargetFacts
from search_space.graph import Graph
from search_space.passes.base import Pass
from search_space.recipe import Recipe

_NEAR = (
    "remove-noops,fold-constants,fuse-transposes,through-elementwise,through-rescale,fuse-transposes,sum-by-depthwise"
)
_FAR = "remove-noops,fold-constants,sink-moves,share-equal,settle-moves,sum-by-depthwise"
_WEIGHTS = "channels-into-weights,fuse-transposes"
_SHAPES = "unbatch,fuse-transposes,share-equal,fold-constants,order-channels"
_FILLED = "unbatch,fill-channels,fuse-transposes,share-equal,fold-constants,order-channels"

#: Maps moved as far as they get, or to the next operators only; with each way to write those that are left.
STARTING_POINTS = (
    f"{_FAR},{_WEIGHTS},{_FILLED},plan-moves",
    f"{_FAR},{_WEIGHTS},{_FILLED},plan-moves{{interior=true}}",
    f"{_FAR},{_WEIGHTS},{_SHAPES},plan-moves",
    f"{_FAR},{_WEIGHTS},{_SHAPES},plan-moves{{interior=true}}",
    f"{_NEAR},{_WEIGHTS},{_FILLED},plan-moves",
    f"{_NEAR},{_WEIGHTS},{_FILLED},plan-moves{{interior=true}}",
    f"{_FAR},{_SHAPES}",
)


def starting_points(program: Sequence[Graph], facts: TargetFacts) -> tuple[str, ...]:
    """Those that change the program, without the passes that do not, one for each program that they lead to."""
    found: dict[tuple[str, ...], str] = {tuple(graph.hash for graph in program): ""}
    reached: dict[tuple[Pass, ...], tuple[Graph, ...]] = {(): tuple(program)}
    for text in STARTING_POINTS:
        passes = Recipe.parse(text).passes
        kept = []
        for length, one in enumerate(passes, 1):
            before = reached[passes[: length - 1]]
            if passes[:length] not in reached:  # they begin alike
                reached[passes[:length]] = _applied(one, before, facts)
            if any(new is not old for new, old in zip(reached[passes[:length]], before, strict=True)):
                kept.append(one)
        found.setdefault(tuple(graph.hash for graph in reached[passes]), str(Recipe(passes=tuple(kept))))
    return tuple(text for text in found.values() if text)


def _applied(one: Pass, program: tuple[Graph, ...], facts: TargetFacts) -> tuple[Graph, ...]:
    try:
        return tuple(one.apply(graph, facts=facts) for graph in program)
    except SpaceError:  # it is told when the pass is a candidate
        return program
