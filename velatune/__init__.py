"""velatune: find the way of lowering a PyTorch model that costs an Arm Ethos-U NPU the fewest cycles.

What scripts and extensions import is here; where it is defined may change. In an ahead-of-time script:

    from velatune import apply_recipe, best_recipe

    with apply_recipe(best_recipe("net.py:make", "ethos-u55-128"), "ethos-u55-128"):
        edge = to_edge_transform_and_lower(exported, partitioner=[EthosUPartitioner(compile_spec)])

On a TOSA program:

    from velatune import Recipe, print_graph, read_tosa

    graph = Recipe.parse("sink-transposes,table").apply(read_tosa(Path("net.tosa").read_bytes()))
    print(print_graph(graph))

`velatune.testing` has what passes are tested with.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from results.errors import StoreError
    from results.lookup.lookup import Hit, lookup
    from results.store.tiers import Tiers
    from search_space.choices.base import Choice
    from search_space.errors import SpaceError
    from search_space.exactness import Exactness
    from search_space.ir.editor import Editor
    from search_space.ir.graph import Graph, Node, Step, TensorType, constant, move
    from search_space.ir.layout_map import LayoutMap
    from search_space.ir.printer import print_graph
    from search_space.ir.target_facts import TargetFacts
    from search_space.ir.verifier import verify
    from search_space.passes.base import Pass
    from search_space.passes.stage import Stage
    from search_space.recipe.recipe import Recipe
    from search_space.tosa_file.reader import read_tosa
    from search_space.tosa_file.writer import write_tosa
    from tuner.deploy.ask import identity_for
    from tuner.deploy.best_recipe import best_recipe
    from tuner.tuning.objective import Objective
    from workers.backend.job import Job
    from workers.checking.allowance import Allowance
    from workers.errors import ModelError
    from workers.ethos_u.files.pte import read_pte
    from workers.ethos_u.lowering.ahead_of_time.recipe_lowering import apply_recipe
    from workers.ethos_u.npu_model import execute
    from workers.ethos_u.target import Target

__all__ = [
    "Allowance",
    "Choice",
    "Editor",
    "Exactness",
    "Graph",
    "Hit",
    "Job",
    "LayoutMap",
    "ModelError",
    "Node",
    "Objective",
    "Pass",
    "Recipe",
    "SpaceError",
    "Stage",
    "Step",
    "StoreError",
    "Target",
    "TargetFacts",
    "TensorType",
    "Tiers",
    "apply_recipe",
    "best_recipe",
    "constant",
    "execute",
    "identity_for",
    "lookup",
    "move",
    "print_graph",
    "read_pte",
    "read_tosa",
    "verify",
    "write_tosa",
]

#: Module -> the names that are taken from it. Each is imported when it is asked for: some load PyTorch.
_NAMES = {
    "results.errors": ("StoreError",),
    "results.lookup.lookup": ("Hit", "lookup"),
    "results.store.tiers": ("Tiers",),
    "search_space.choices.base": ("Choice",),
    "search_space.errors": ("SpaceError",),
    "search_space.exactness": ("Exactness",),
    "search_space.ir.editor": ("Editor",),
    "search_space.ir.graph": ("Graph", "Node", "Step", "TensorType", "constant", "move"),
    "search_space.ir.layout_map": ("LayoutMap",),
    "search_space.ir.printer": ("print_graph",),
    "search_space.ir.target_facts": ("TargetFacts",),
    "search_space.ir.verifier": ("verify",),
    "search_space.passes.base": ("Pass",),
    "search_space.passes.stage": ("Stage",),
    "search_space.recipe.recipe": ("Recipe",),
    "search_space.tosa_file.reader": ("read_tosa",),
    "search_space.tosa_file.writer": ("write_tosa",),
    "tuner.deploy.best_recipe": ("best_recipe",),
    "tuner.deploy.ask": ("identity_for",),
    "tuner.tuning.objective": ("Objective",),
    "workers.checking.allowance": ("Allowance",),
    "workers.backend.job": ("Job",),
    "workers.errors": ("ModelError",),
    "workers.ethos_u.files.pte": ("read_pte",),
    "workers.ethos_u.lowering.ahead_of_time.recipe_lowering": ("apply_recipe",),
    "workers.ethos_u.npu_model": ("execute",),
    "workers.ethos_u.target": ("Target",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

if not TYPE_CHECKING:  # else every name would be known to type checkers

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        value = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
