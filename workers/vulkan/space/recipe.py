"""What a recipe says of a lowering for Vulkan.

    half=yes,scheme=w4-g32@1+3/w8 | spell-attention,drop-relu6@2

`scheme` gives layers what they are stored as, by their numbers; without numbers it is for every other layer that it
fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_space.choices.frontend.precision import by_layer, write_by_layer
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from workers.vulkan.choices.half import Half
from workers.vulkan.choices.scheme import SchemeOfLayers
from workers.vulkan.lowering.layers import Layer
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.passes.base import Rewrite, When
from workers.vulkan.passes.registry import REWRITES
from workers.vulkan.scheme import Scheme
from workers.vulkan.space.fitting import fitting


@dataclass(frozen=True)
class VulkanRecipe:
    """Attributes:
    schemes: as `search_space.choices.frontend.precision.by_layer` reads them.
    half: compute in half precision.
    passes: in the order of `REWRITES`, which is that in which they run.
    """

    schemes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    half: bool = False
    passes: tuple[Rewrite, ...] = ()

    @staticmethod
    def of(recipe: Recipe) -> VulkanRecipe:
        """What a recipe says. Raises SpaceError if it has elements for targets of another family."""
        schemes: tuple[tuple[str, tuple[int, ...]], ...] = ()
        half = False
        for name, alternative in recipe.choices:
            if name == SchemeOfLayers.name:
                schemes = by_layer(alternative)
            elif name == Half.name:
                half = True
            else:
                raise SpaceError(f"{name} is no choice for Vulkan")
        passes = []
        for one in recipe.passes:
            if not isinstance(one, Rewrite):
                raise SpaceError(f"{one.name} is no pass for Vulkan")
            passes.append(one)
        return VulkanRecipe(schemes, half, tuple(sorted(passes, key=lambda one: list(REWRITES).index(one.name))))

    @property
    def recipe(self) -> Recipe:
        """The same as a recipe."""
        half = ((Half.name, "yes"),) if self.half else ()
        schemes = ((SchemeOfLayers.name, write_by_layer(self.schemes)),) if self.schemes else ()
        return Recipe((*half, *schemes), self.passes)

    def scheme_by_layer(self, layers: Sequence[Layer]) -> dict[int, Scheme]:
        """What each layer is stored as; layers that stay float are not named. Raises SpaceError where a layer is named
        that a scheme does not fit or that does not exist."""
        known = {layer.number: layer for layer in layers}
        named = {number: Scheme(name) for name, numbers in self.schemes for number in numbers}
        for number, scheme in named.items():
            if number not in known:
                raise SpaceError(f"scheme={scheme}@{number}: the model has {len(layers)} layers")
            if reason := fitting(known[number], scheme):
                raise SpaceError(f"scheme={scheme}@{number}: {known[number].name} {reason}")
        for name, numbers in self.schemes:
            if not numbers:
                fits = [one.number for one in layers if one.number not in named and not fitting(one, Scheme(name))]
                named |= dict.fromkeys(fits, Scheme(name))
        return {number: scheme for number, scheme in sorted(named.items()) if scheme is not Scheme.FP}

    def settings(self, layers: Sequence[Layer]) -> Settings:
        """What lowering has to know. Raises as `scheme_by_layer`."""

        def at(when: When) -> tuple[Rewrite, ...]:
            return tuple(one for one in self.passes if one.when is when)

        return Settings(
            schemes=self.scheme_by_layer(layers),
            half=self.half,
            float_passes=at(When.FLOAT),  # type: ignore[arg-type]
            quantised_passes=at(When.QUANTISED),  # type: ignore[arg-type]
            edge_passes=at(When.EDGE),  # type: ignore[arg-type]
        )
