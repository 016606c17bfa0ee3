"""What there is to choose for one model: only what changes its graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.errors import CompilerRefused
from workers.vulkan.files.out_variants import has_out_variant
from workers.vulkan.gate.verdict import verdict
from workers.vulkan.lowering.graph.lowered_graphs import graphs_of
from workers.vulkan.lowering.lowered import Lowered, partitioned_operators
from workers.vulkan.model.layers import Layer
from workers.vulkan.model.scheme import GROUPED, Scheme
from workers.vulkan.model.users_schemes import has_schemes
from workers.vulkan.passes.base import ModuleRewrite, Rewrite, When
from workers.vulkan.passes.fusion.leave_unfused import LeaveUnfused
from workers.vulkan.passes.keep_on_cpu import KeepOnCpu
from workers.vulkan.passes.registry import REWRITES, in_order
from workers.vulkan.passes.tensor_scalars import TensorScalars
from workers.vulkan.space.fitting import fitting
from workers.vulkan.space.recipe import VulkanRecipe
from workers.vulkan.space.refused_fusions import refused_fusions

if TYPE_CHECKING:
    from workers.models.types import ExportedModel


@dataclass(frozen=True)
class VulkanSpace:
    """What a recipe for one model may say.

    Attributes:
        layers: of the model.
        schemes: by number of the layer, those that fit it besides floating point.
        rewrites: name -> number of sites where it could rewrite, of those without options.
        patterns: of ExecuTorch's registry that fit somewhere under some scheme -> at how many places.
        operators: refused by the gate in the stock lowering, but possible on the CPU -> how often. Others could as
            well, and would only make the program worse.
        refused: recipe -> why it does not lower, of those that the space was found with.
        unfused: scheme -> patterns that the gate refuses where all layers that it fits have it. Those of the stock
            lowering are at floating point.
    """

    layers: tuple[Layer, ...]
    schemes: Mapping[int, tuple[Scheme, ...]]
    rewrites: Mapping[str, int]
    patterns: Mapping[str, int]
    operators: Mapping[str, int]
    refused: Mapping[str, str]
    unfused: Mapping[Scheme, tuple[LeaveUnfused, ...]]

    @property
    def plain_schemes(self) -> tuple[Scheme, ...]:
        """Those that some layer can have, floating point left out."""
        return tuple(scheme for scheme in Scheme if any(scheme in those for those in self.schemes.values()))

    def starting_points(self) -> Iterator[VulkanRecipe]:
        """Sequences of passes that a search begins with, whatever the schemes. They join delegates, do so with all that
        schemes need, or keep each refused operator on the CPU.
        """
        rewrites = [REWRITES[name]() for name in self.rewrites if REWRITES[name].when is When.FLOAT]
        joining: list[Rewrite] = [one for one in rewrites if not one.needs]
        joining += self.unfused.get(Scheme.FP, ())
        needed = [REWRITES[name]() for name in self.rewrites if REWRITES[name].needs]
        refused = [KeepOnCpu(operator=name) for name in self.operators]
        starts: list[list[Rewrite]] = [joining, [*joining, *needed], [*refused], [*joining, *refused]]
        for passes in dict.fromkeys(map(in_order, starts)):
            if passes:
                yield VulkanRecipe(passes=passes)

    def passes(self) -> tuple[Rewrite, ...]:
        """All rewrites that may change a program of the model. A refused operator at several places is also kept on the
        CPU at the first of them alone. A search goes on to others from there.
        """
        made: list[Rewrite] = [REWRITES[name]() for name in self.rewrites]
        made += [LeaveUnfused(pattern=name) for name in self.patterns]
        for name, count in self.operators.items():
            made += [KeepOnCpu(operator=name), *([KeepOnCpu(operator=name, at="1")] if count > 1 else ())]
        return in_order(made)


def space_of(model: ExportedModel, layers: Sequence[Layer], lowered: Callable[[VulkanRecipe], Lowered]) -> VulkanSpace:
    """Find out what there is to choose.

    Args:
        model: in floating point, or quantised by the user. Then its layers keep the schemes that they have.
        layers: of the model.
        lowered: lowers a program, with a memory. It is called for the stock program and for one by each kind of scheme.
            `refused_fusions` calls it for further ones.

    Returns:
        What changes the model's graph.

    Raises:
        CompilerRefused: the stock lowering fails.
    """
    quantised = has_schemes(model.program)
    open_schemes = () if quantised else list(Scheme)[1:]
    schemes = {layer.number: tuple(one for one in open_schemes if not fitting(layer, one)) for layer in layers}
    stock = lowered(VulkanRecipe())
    patterns, refused = dict(stock.fused), {}
    unfused = {Scheme.FP: refused_fusions(VulkanRecipe(), lowered)}
    for scheme in (Scheme.STATIC8, *_first_grouped(schemes)):
        if any(scheme in those for those in schemes.values()):
            recipe = VulkanRecipe(schemes=((scheme.value, ()),), passes=needed_by(scheme))
            try:
                found = lowered(recipe).fused
            except CompilerRefused as error:
                refused[str(recipe.recipe)] = str(error)
                schemes = {
                    number: tuple(one for one in those if one is not scheme) for number, those in schemes.items()
                }
                continue
            patterns = {name: max(patterns.get(name, 0), found.get(name, 0)) for name in sorted({*patterns, *found})}
            unfused[scheme] = refused_fusions(recipe, lowered)
    sites, operators = _sites(model, stock, schemes, quantised), _refused_operators(stock)
    return VulkanSpace(tuple(layers), schemes, sites, patterns, operators, refused, unfused)


def needed_by(scheme: Scheme) -> tuple[Rewrite, ...]:
    """The rewrites without which programs with a scheme do not load, or are needlessly bad."""
    return in_order(kind() for kind in REWRITES.values() if scheme in kind.needs)


def _first_grouped(schemes: Mapping[int, tuple[Scheme, ...]]) -> tuple[Scheme, ...]:
    """One scheme with groups stands for all: they share their patterns."""
    return tuple(one for one in GROUPED if any(one in those for those in schemes.values()))[:1]


def _refused_operators(stock: Lowered) -> dict[str, int]:
    """Those that the partitioner sees: the backend's passes make others later, and buffers are no operators."""
    graphs = graphs_of(stock)
    names = {one.operator for one in verdict(graphs).refused}
    calls = [call.name for graph in graphs for call in graph.calls]
    calls += [name for graph in graphs for name in (*graph.dropped_factors, *graph.returned_constants)]
    seen = partitioned_operators(stock)
    able = (name for name in sorted(names) if name in calls and name in seen and has_out_variant(name))
    return {name: calls.count(name) for name in able}


def _sites(
    model: ExportedModel, stock: Lowered, schemes: Mapping[int, tuple[Scheme, ...]], quantised: bool
) -> dict[str, int]:
    """Rewrites with sites. Those that need a scheme have one wherever a layer can have it, or follow another. In a
    quantised model all sites are there to be seen."""
    module = model.program.module(check_guards=False)
    sites: dict[str, int] = {}
    for name, kind in REWRITES.items():
        able = quantised or not kind.needs or any(kind.needs & set(those) for those in schemes.values())
        if able and issubclass(kind, ModuleRewrite):
            sites[name] = len(kind().sites(module)) if quantised else kind().foreseen(module)
    sites[TensorScalars.name] = sum(one.operator in TensorScalars.removes for one in stock.host_operators)
    return {name: sites[name] for name in REWRITES if sites.get(name)}
