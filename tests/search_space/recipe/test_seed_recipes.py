"""A pass that says its stage is in seed recipes; the others stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.ir.target_facts import ANY_TARGET
from search_space.passes.base import Pass
from search_space.passes.stage import Stage
from search_space.recipe import registry
from search_space.recipe.recipe import Recipe
from search_space.recipe.seed_recipes import (
    INEXACT_SEED_RECIPES,
    SEED_RECIPES,
    inexact_seed_recipes,
    seed_recipes,
    starting_points,
)
from search_space.recipe.space import space_hash
from velatune.testing import Program


@dataclass(frozen=True)
class Extra(Pass):
    name: ClassVar[str] = "extra"
    law: ClassVar[str] = "it raises what nobody expects"
    stage: ClassVar[Stage | None] = Stage.SELECT_OPERATORS

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        raise KeyError("no such thing")


@contextmanager
def installed(*more: type[Pass]) -> Iterator[None]:
    known = {name: one for name, one in registry.passes().items() if one.stage is None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "passes", lambda: {**known, **{one.name: one for one in more}})
        yield


def of_class(exactness: Exactness, stage: Stage) -> type[Pass]:
    return type("Other", (Extra,), {"exactness": exactness, "stage": stage})


def test_the_built_in_ones_are_those_that_are_written_down() -> None:
    """Every search starts from them; whoever changes them changes the file as well."""
    written = Path(__file__).with_name("seed_recipes.txt").read_text().splitlines()
    assert [*INEXACT_SEED_RECIPES, *SEED_RECIPES] == written
    with installed():
        assert [*inexact_seed_recipes(), *seed_recipes()] == written


@pytest.mark.parametrize("stage", Stage)
def test_a_pass_with_a_stage_is_in_the_first_ones(stage: Stage) -> None:
    with installed():
        without = space_hash()
    with installed(of_class(Exactness.EXACT, stage)):
        for recipes, others in ((seed_recipes(), SEED_RECIPES), (inexact_seed_recipes(), INEXACT_SEED_RECIPES)):
            added = recipes[: -len(others)]
            assert recipes[-len(others) :] == others
            assert added and all("extra" in [one.name for one in Recipe.parse(text).passes] for text in added)
        assert seed_recipes()[0].replace(",extra@profitable-by-both", "").replace(",extra", "") == SEED_RECIPES[0]
        assert space_hash() != without


def test_stages_run_in_order() -> None:
    passes = [
        type(stage.name, (Extra,), {"name": stage.name.lower().replace("_", "-"), "stage": stage}) for stage in Stage
    ]
    with installed(*passes):
        elements = [one.partition("@")[0] for one in Recipe.parse(seed_recipes()[0]).elements]
    added = [elements.index(one.name) for one in passes]
    assert added == sorted(added)


@pytest.mark.parametrize("exactness", [Exactness.REQUANTISING, Exactness.PRECISION])
def test_what_is_not_exact_is_in_no_exact_one(exactness: Exactness) -> None:
    with installed(of_class(exactness, Stage.CANONICALISE)):
        assert seed_recipes() == SEED_RECIPES
        assert all(Recipe.parse(text).exactness == Exactness.REQUANTISING for text in inexact_seed_recipes())
        assert ("extra" in "".join(inexact_seed_recipes())) == (exactness == Exactness.REQUANTISING)


def test_one_that_raises_costs_the_others_nothing() -> None:
    p = Program()
    program = [p.graph(p.transpose(p.table(p.transpose(p.input(2, 3, 4), 1, 2, 0)), 2, 0, 1))]
    with installed():
        without = starting_points(program, ANY_TARGET)
    with installed(Extra):
        assert starting_points(program, ANY_TARGET) == without != ()
