"""A recipe inside a user's own ahead-of-time script."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest

from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from workers.backend.stored_recipe import StoredRecipe
from workers.errors import ModelError
from workers.ethos_u.files.pte import delegates_of
from workers.ethos_u.lowering.ahead_of_time.recipe_lowering import apply_recipe
from workers.ethos_u.lowering.ahead_of_time.tosa_hook import TAG_KEY

pytestmark = pytest.mark.slow

TARGET = "ethos-u55-128"


def blobs(content: bytes) -> list[bytes]:
    return [delegate.blob for delegate in delegates_of(content, "the program")]


def test_the_default_recipe_is_stock_executorch(lower: Callable[[str], bytes]) -> None:
    stock = lower(TARGET)
    with apply_recipe("default", TARGET):
        ours = lower(TARGET)
    assert sorted(blobs(ours)) == sorted(blobs(stock))


def test_a_recipe_changes_what_is_compiled_and_nothing_else(lower: Callable[[str], bytes]) -> None:
    stock = lower(TARGET)
    with apply_recipe("merge-transposed-axes", TARGET):
        tuned = lower(TARGET)
    assert sorted(blobs(tuned)) != sorted(blobs(stock))
    assert sorted(blobs(lower(TARGET))) == sorted(blobs(stock)), "after the block ExecuTorch is stock again"


def test_a_recipe_that_is_wrong_for_the_model_is_refused(
    lower: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a pass that lies does not get into a program."""
    import numpy as np

    from search_space.ir.graph import CONST, Graph, constant

    def lie(self: Recipe, graph: Graph, facts: object) -> Graph:
        at, weights = next(
            (i, n) for i, n in graph.nodes.items() if n.op == CONST and n.type.dtype == "INT8" and n.type.elements > 8
        )
        turned = constant(np.bitwise_not(weights.array), "INT8", weights.name)
        return Graph({**graph.nodes, at: turned}, graph.inputs, graph.outputs, graph.next_id)

    monkeypatch.setattr(Recipe, "apply", lie)
    with pytest.raises(ModelError, match="not right for delegate"), apply_recipe("default", TARGET):
        lower(TARGET)


def test_a_recipe_for_another_target_is_refused(lower: Callable[[str], bytes]) -> None:
    reported = "accelerators say ethos-u55-128 and ethos-u55-256"
    with pytest.raises(ModelError, match=reported), apply_recipe("default", "ethos-u55-256"):
        lower(TARGET)


def test_what_a_script_writes_names_its_recipe(lower: Callable[[str], bytes]) -> None:
    with apply_recipe(StoredRecipe("merge-transposed-axes", "an identity"), TARGET):
        content = lower(TARGET)
    tags = [delegate.compile_specs[TAG_KEY] for delegate in delegates_of(content, "the program")]
    assert tags and all(json.loads(tag)["recipe"] == "merge-transposed-axes" for tag in tags)
    assert {json.loads(tag)["identity"] for tag in tags} == {"an identity"}


def test_a_copy_of_a_stored_recipe_is_whole() -> None:
    # Pickling goes the same way.
    recipe = copy.copy(StoredRecipe("fuse-transposes", "an identity"))
    assert (recipe, recipe.identity) == ("fuse-transposes", "an identity")


def test_an_unknown_recipe_is_refused_at_once() -> None:
    with pytest.raises(SpaceError, match="fuse-transposes"), apply_recipe("fuse-transpose", TARGET):
        pass
