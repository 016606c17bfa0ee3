"""Applies a recipe to a TOSA program in a file, element by element."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from search_space.errors import SpaceError
from search_space.ir.graph import MOVE, Graph
from search_space.ir.target_facts import TargetFacts
from search_space.ir.verifier import verify
from search_space.passes.recipe_pass import SITES_BY_PRICE, RecipePass
from search_space.recipe.idle_elements import Element
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from workers.errors import ModelError, one_line
from workers.models.file_checks.size_limits import check_count, check_size
from workers.models.model_source import resolve
from workers.models.types import TosaFile


@dataclass(frozen=True)
class Step:
    """The program before and after one element of a recipe.

    An element is a pass, or a lowering choice and its alternative.
    """

    element: Element
    before: Graph
    after: Graph


def read_program(file: Path) -> Graph:
    """The TOSA program in a file that nobody vouches for.

    Raises:
        ModelError: it cannot be read, is no `.tosa`, or is too large.
        SpaceError: it is ill-formed.
    """
    if file.suffix != ".tosa":
        raise ModelError(f"{file}: is no .tosa")
    content = resolve(str(file))
    assert isinstance(content, TosaFile)
    graph = read_tosa(content.data, str(file))
    check_count(str(file), len(graph.operator_ids))
    for node_id in graph.order:
        check_size(str(file), graph[node_id].type.shape)
    try:
        return verify(graph)
    except SpaceError as error:
        raise SpaceError(f"{file}: {error}") from None


def steps(graph: Graph, recipe: Recipe, facts: TargetFacts) -> Iterator[Step]:
    """What each element of a recipe makes of a program, in order.

    Args:
        graph: the program that the first element is applied to.
        recipe: only elements that work on a TOSA program.
        facts: of the target; see `needs_target`.

    Yields:
        Each element with the program before it and after it.

    Raises:
        SpaceError: an element belongs into ExecuTorch, fails, or gives an ill-formed program.
    """
    for name, _ in recipe.setting:
        raise SpaceError(f"{name} is decided inside ExecuTorch, before there is a TOSA program")
    parts: list[tuple[Element, Recipe]] = [
        *((choice, Recipe((choice,))) for choice in recipe.choices),
        *((one, Recipe((), (one,))) for one in recipe.passes),
    ]
    for element, alone in parts:
        after = _made(alone, graph, facts)
        yield Step(element, graph, after)
        graph = after


def needs_target(recipe: Recipe) -> RecipePass | None:
    """The first pass whose sites are found by their price, which only a target can tell."""
    return next((one for one in recipe.passes if one.at in SITES_BY_PRICE), None)


def operators(graph: Graph) -> Counter[str]:
    """How many TOSA operators of each kind the program is written as."""
    found: Counter[str] = Counter()
    for _, node in graph.operators():
        found.update([step.kind.upper() for step in node.steps] if node.op == MOVE else [node.op])
    return found


def _made(alone: Recipe, graph: Graph, facts: TargetFacts) -> Graph:
    """What a recipe of one element makes of a program, verified. Messages say where an element failed."""
    try:
        after = alone.apply(graph, facts)
    except SpaceError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise SpaceError(f"{alone} fails, {one_line(error)} ({last.filename}:{last.lineno})") from error
    try:
        return after if after is graph else verify(after)
    except SpaceError as error:
        raise SpaceError(f"after {alone}: {error}") from None
