"""A backend's fault is found before a model is lowered."""

from __future__ import annotations

import pytest
from support.toy_backend.toy_backend import Toy, ToyMerge

from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from tuner.tuning.opening import check_passes
from workers.backend.registry import backends
from workers.errors import ModelError


class Unregistered(Toy):
    """Its package has no entry point for the pass."""

    def passes(self, allowed: Exactness) -> list[RecipePass]:
        return [ToyMerge()]


def test_a_pass_without_an_entry_point_is_named() -> None:
    with pytest.raises(ModelError, match="the backend toy lists the pass toy-merge, which recipes cannot name"):
        check_passes(Unregistered(), Exactness.EXACT)


@pytest.mark.parametrize("family", backends())
def test_recipes_can_name_the_passes_of_every_family(family: str) -> None:
    for allowed in Exactness:
        check_passes(backends()[family], allowed)
