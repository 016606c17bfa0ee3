"""The search space of one program: the choices and passes that change it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import product
from typing import Any, TypeVar

from search_space.choices.base import Choice
from search_space.exactness import Exactness
from search_space.ir.graph import Graph
from search_space.passes.base import Pass
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe import registry
from search_space.recipe.seed_recipes import inexact_seed_recipes, seed_recipes

K = TypeVar("K", bound=RecipePass)

#: Part of a result's identity. It is raised when a pass or choice is renamed, or does something else under its name.
SPACE_VERSION = "15"


def tosa_passes(allowed: Exactness = Exactness.EXACT) -> tuple[Pass, ...]:
    """`pass_instances` of those that rewrite TOSA graphs."""
    return pass_instances(Pass, allowed)  # type: ignore[type-abstract]


def pass_instances(of: type[K], allowed: Exactness = Exactness.EXACT) -> tuple[K, ...]:
    """Every pass for one kind of program that is allowed, with every setting of its yes-or-no options.

    Args:
        of: the class that passes for such programs have in common.
        allowed: the class of exactness up to which they are.

    Returns:
        Passes in alphabetical order; other options are at their default.
    """
    instances: list[K] = []
    for kind in registry.passes().values():
        if kind.exactness > allowed or not issubclass(kind, of):
            continue
        switches = [f.name for f in kind.options() if isinstance(f.default, bool)]
        for values in product((False, True), repeat=len(switches)):
            options: dict[str, Any] = dict(zip(switches, values, strict=True))
            instances.append(kind(**options))
    return tuple(sorted(instances, key=str))


def space_hash() -> str:
    """32 hex digits over the passes, choices and seed recipes that exist. An extension changes them."""
    names = [
        *map(str, pass_instances(RecipePass, max(Exactness))),
        *(f"{n}={','.join(c.alternatives)}" for n, c in registry.choices().items()),
    ]
    names += [*inexact_seed_recipes(), *seed_recipes()]
    return blake2b("\n".join(names).encode(), digest_size=16).hexdigest()


def open_choices(graphs: Sequence[Graph], allowed: Exactness = Exactness.EXACT) -> dict[str, tuple[str, ...]]:
    """The alternatives that change a program.

    Args:
        graphs: the program, one graph for each delegate.
        allowed: the least exact class that is allowed.

    Returns:
        Choice -> its alternatives; choices without any are left out.
    """
    found = {}
    for name, kind in registry.choices().items():
        if not issubclass(kind, Choice):
            continue
        offered = [a for a in kind.alternatives if kind.exactness(a) <= allowed]
        changing = tuple(a for a in offered if any(_changes(kind(), a, graph) for graph in graphs))
        if changing:
            found[name] = changing
    return found


def _changes(choice: Choice, alternative: str, graph: Graph) -> bool:
    try:
        return choice.apply(graph, alternative) is not graph
    except Exception:  # somebody's choice: it stays a candidate, which is refused with the reason when it is tried
        return True


def program_hash(graphs: Sequence[Graph]) -> str:
    """32 hex digits for a program of several delegates: equal if and only if its graphs are."""
    return hash_of_all(g.hash for g in graphs)


def hash_of_all(hashes: Iterable[str]) -> str:
    """The hash of the program whose delegates have these hashes."""
    return blake2b("".join(hashes).encode(), digest_size=16).hexdigest()
