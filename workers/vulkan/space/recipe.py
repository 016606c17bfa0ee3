"""What a recipe says of a lowering for Vulkan.

    half=yes,scheme=w4-g32@1+3/w8 | spell-attention,drop-relu6@2,leave-unfused{pattern=rms_norm}

`scheme` gives layers their storage, by their numbers. Without numbers it is for every other layer that it fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from search_space.choices.frontend.precision import by_layer, write_by_layer
from search_space.errors import SpaceError
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.recipe import Recipe
from workers.vulkan.choices.half import Half
from workers.vulkan.choices.scheme import SchemeOfLayers
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.layers import Layer
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.base import Rewrite, When
from workers.vulkan.passes.fusion.leave_unfused import LeaveUnfused
from workers.vulkan.passes.keep_on_cpu import KeepOnCpu
from workers.vulkan.passes.registry import in_order
from workers.vulkan.space.fitting import fitting


@dataclass(frozen=True)
class VulkanRecipe:
    """A recipe for Vulkan, parsed.

    Attributes:
        schemes: as `search_space.choices.frontend.precision.by_layer` reads them.
        half: compute in half precision.
        passes: in the order in which they run, see `in_order`.
    """

    schemes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    half: bool = False
    passes: tuple[Rewrite, ...] = ()

    @staticmethod
    def of(recipe: Recipe) -> VulkanRecipe:
        """What a recipe says.

        Args:
            recipe: of any family.

        Raises:
            SpaceError: it has elements for another family, or one that does not say what it is for.
        """
        schemes: tuple[tuple[str, tuple[int, ...]], ...] = ()
        half = False
        for name, alternative in recipe.choices:
            if name == SchemeOfLayers.name:
                schemes = by_layer(alternative)
            elif name == Half.name:
                half = True
            else:
                raise SpaceError(f"{name} is no choice for Vulkan")
        made = VulkanRecipe(schemes, half)
        for one in recipe.passes:
            made = made.followed_by(one)
        return made

    def followed_by(self, one: RecipePass) -> VulkanRecipe:
        """The recipe with one pass more.

        Args:
            one: takes the place of a pass that says the same of other sites.

        Raises:
            SpaceError: it is for targets of another family, or does not say what it is for.
        """
        if not isinstance(one, Rewrite):
            raise SpaceError(f"{one.name} is no pass for Vulkan")
        if isinstance(one, LeaveUnfused) and not one.pattern:
            raise SpaceError(f"{one} names no pattern; write {one.name}{{pattern=rms_norm}}")
        if isinstance(one, KeepOnCpu) and not one.operator:
            raise SpaceError(f"{one} names no operator; write {one.name}{{operator=aten.mul.Tensor}}")
        others = (other for other in self.passes if other.everywhere != one.everywhere)
        return replace(self, passes=in_order((*others, one)))

    @property
    def recipe(self) -> Recipe:
        """The same as a recipe."""
        half = ((Half.name, "yes"),) if self.half else ()
        schemes = ((SchemeOfLayers.name, write_by_layer(self.schemes)),) if self.schemes else ()
        return Recipe((*half, *schemes), self.passes)

    def scheme_by_layer(self, layers: Sequence[Layer]) -> dict[int, Scheme]:
        """What each layer is stored as.

        Args:
            layers: of the model.

        Returns:
            Number of a layer -> its scheme; layers that stay float are not named.

        Raises:
            SpaceError: a layer is named that does not exist or that a scheme does not fit. Or a scheme without numbers
                fits none.
        """
        known = {layer.number: layer for layer in layers}
        named = {number: Scheme(name) for name, numbers in self.schemes for number in numbers}
        for number, scheme in named.items():
            if number not in known:
                raise SpaceError(f"scheme={scheme}@{number}: the model has {len(layers)} layers")
            if reason := fitting(known[number], scheme):
                raise SpaceError(f"scheme={scheme}@{number}: {known[number].name} {reason}")
        for name, numbers in self.schemes:
            if not numbers:
                fits = _fitted(layers, Scheme(name))
                named |= dict.fromkeys((number for number in fits if number not in named), Scheme(name))
        return {number: scheme for number, scheme in sorted(named.items()) if scheme is not Scheme.FP}

    def settings(self, layers: Sequence[Layer]) -> Settings:
        """What lowering has to know. Arguments and errors as of `scheme_by_layer`."""

        def at(when: When) -> tuple[Rewrite, ...]:
            return tuple(one for one in self.passes if one.when is when)

        return Settings(
            schemes=self.scheme_by_layer(layers),
            half=self.half,
            float_passes=at(When.FLOAT),  # type: ignore[arg-type]
            quantised_passes=at(When.QUANTISED),  # type: ignore[arg-type]
            edge_passes=at(When.EDGE),  # type: ignore[arg-type]
            unfused={one.pattern: frozenset(one.numbers) for one in self.passes if isinstance(one, LeaveUnfused)},
            on_cpu={one.operator: frozenset(one.numbers) for one in self.passes if isinstance(one, KeepOnCpu)},
        )


def _fitted(layers: Sequence[Layer], scheme: Scheme) -> list[int]:
    """Numbers of the layers that a scheme fits. Raises SpaceError if it fits none, with the reason of the last."""
    reasons = {one: fitting(one, scheme) for one in layers}
    if not reasons or all(reasons.values()):
        why = [f"; {one.name} {reason}" for one, reason in reasons.items()][-1:] or ["; it has none"]
        raise SpaceError(f"scheme={scheme} fits no layer of the model{why[0]}")
    return [one.number for one, reason in reasons.items() if not reason]
