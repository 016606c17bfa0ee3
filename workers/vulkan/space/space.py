"""What there is to choose for one model: only what changes its graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workers.errors import ModelError
from workers.vulkan.gate.verdict import verdict
from workers.vulkan.lowered_graphs import graphs_of
from workers.vulkan.lowering.layers import Layer
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.lowering import lower, model_layers
from workers.vulkan.passes.base import ModuleRewrite, Rewrite, When
from workers.vulkan.passes.drop_relu6 import DropRelu6
from workers.vulkan.passes.fuse_linear_qcs4w import FuseLinearQcs4w
from workers.vulkan.passes.fuse_linear_qcs8w import FuseLinearQcs8w
from workers.vulkan.passes.quantise_behind_clamp import QuantiseBehindClamp
from workers.vulkan.passes.registry import REWRITES
from workers.vulkan.passes.tensor_scalars import TensorScalars
from workers.vulkan.scheme import GROUPED, Scheme
from workers.vulkan.space.fitting import fitting
from workers.vulkan.space.recipe import VulkanRecipe
from workers.vulkan.target import VulkanTarget

if TYPE_CHECKING:
    from workers.models.types import ExportedModel


@dataclass(frozen=True)
class VulkanSpace:
    """What a recipe for one model may say.

    Attributes:
        layers: of the model.
        schemes: by number of the layer, those that fit it besides floating point.
        rewrites: name -> number of sites where it could rewrite, with the schemes that it needs.
        patterns: of ExecuTorch's registry that fit somewhere under some scheme.
        operators: that the gate finds fault with in the stock lowering, and that could stay on the CPU. Others could as
            well, and would only make the program worse.
        refused: recipe -> why it does not lower, of those that the space was found with.
    """

    layers: tuple[Layer, ...]
    schemes: Mapping[int, tuple[Scheme, ...]]
    rewrites: Mapping[str, int]
    patterns: tuple[str, ...]
    operators: tuple[str, ...]
    refused: Mapping[str, str]

    def starting_points(self) -> Iterator[VulkanRecipe]:
        """Recipes that a search begins with: stock, each scheme everywhere with the rewrites that it needs, the
        rewrites that join delegates, and half precision where it has kernels."""
        joining = tuple(REWRITES[name]() for name in self.rewrites if REWRITES[name].when is When.FLOAT)
        joining = tuple(one for one in joining if not isinstance(one, QuantiseBehindClamp))
        yield VulkanRecipe()
        if joining:
            yield VulkanRecipe(passes=joining)
        yield VulkanRecipe(half=True, passes=joining)
        for scheme in Scheme:
            if any(scheme in those for those in self.schemes.values()):
                needed = tuple(one for one in needed_by(scheme) if one.name in self.rewrites)
                recipe = VulkanRecipe(schemes=((scheme.value, ()),), passes=(*joining, *needed))
                yield recipe
                if scheme in GROUPED:
                    yield replace(recipe, half=True)


def needed_by(scheme: Scheme) -> tuple[Rewrite, ...]:
    """The rewrites without which a scheme does not load, or is worse than it has to be."""
    needed: dict[Scheme, tuple[Rewrite, ...]] = {
        Scheme.W8: (FuseLinearQcs8w(),),
        Scheme.W4: (FuseLinearQcs4w(),),
        Scheme.STATIC8: (QuantiseBehindClamp(), DropRelu6()),
    }
    return needed.get(scheme, ())


def space_of(model: ExportedModel, target: VulkanTarget, samples: Sequence[tuple[Any, ...]]) -> VulkanSpace:
    """Find out what there is to choose. Lowers the model a few times: stock, and once for each kind of scheme.

    Raises:
        ModelError: the stock lowering fails.
    """
    layers = model_layers(model)
    schemes = {layer.number: tuple(one for one in list(Scheme)[1:] if not fitting(layer, one)) for layer in layers}
    stock = lower(model, target, VulkanRecipe().settings(layers), samples)
    fused, refused = dict(stock.fused), {}
    for scheme in (Scheme.STATIC8, *_first_grouped(schemes)):
        if any(scheme in those for those in schemes.values()):
            recipe = VulkanRecipe(schemes=((scheme.value, ()),), passes=needed_by(scheme))
            try:
                fused |= lower(model, target, recipe.settings(layers), samples).fused
            except ModelError as error:
                refused[str(recipe.recipe)] = str(error)
                schemes = {
                    number: tuple(one for one in those if one is not scheme) for number, those in schemes.items()
                }
    found = verdict(graphs_of(stock)).findings
    return VulkanSpace(
        layers, schemes, _sites(model, stock, schemes), tuple(sorted(fused)),
        tuple(sorted({one.operator for one in found})), refused,
    )  # fmt: skip


def _first_grouped(schemes: Mapping[int, tuple[Scheme, ...]]) -> tuple[Scheme, ...]:
    """One scheme with groups stands for all: they share their patterns."""
    return tuple(one for one in GROUPED if any(one in those for those in schemes.values()))[:1]


def _sites(model: ExportedModel, stock: Lowered, schemes: Mapping[int, tuple[Scheme, ...]]) -> dict[str, int]:
    """Rewrites with sites. Those that need a scheme have one wherever a layer can have it, or follow another."""
    module = model.program.module(check_guards=False)
    static = any(Scheme.STATIC8 in those for those in schemes.values())
    sites: dict[str, int] = {}
    for name, kind in REWRITES.items():
        if kind.when is When.FLOAT and issubclass(kind, ModuleRewrite):
            sites[name] = len(kind().sites(module))
    if not static:
        sites[QuantiseBehindClamp.name] = 0
    sites[DropRelu6.name] = sites[QuantiseBehindClamp.name]
    for rewrite, scheme in ((FuseLinearQcs8w, Scheme.W8), (FuseLinearQcs4w, Scheme.W4)):
        sites[rewrite.name] = sum(scheme in those for those in schemes.values())
    sites[TensorScalars.name] = sum(one.operator in TensorScalars.removes for one in stock.host_operators)
    return {name: sites[name] for name in REWRITES if sites[name]}
