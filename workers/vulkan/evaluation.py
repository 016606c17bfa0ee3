"""One candidate from its recipe to everything that is known of it without a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workers.vulkan.check.quality import Quality, quality
from workers.vulkan.cost.facts import Facts, facts
from workers.vulkan.gate.verdict import Verdict, verdict
from workers.vulkan.lowered_graphs import graphs_of
from workers.vulkan.lowering.layers import Layer
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.lowering import lower
from workers.vulkan.space.recipe import VulkanRecipe
from workers.vulkan.target import VulkanTarget

if TYPE_CHECKING:
    from workers.models.types import ExportedModel


@dataclass(frozen=True, eq=False)
class Evaluation:
    """quality: against the float model; None for a program that the gate refuses, which nobody runs."""

    lowered: Lowered
    verdict: Verdict
    facts: Facts
    quality: Quality | None


def evaluate(
    model: ExportedModel,
    target: VulkanTarget,
    recipe: VulkanRecipe,
    layers: Sequence[Layer],
    samples: Sequence[tuple[Any, ...]],
) -> Evaluation:
    """Lower a model by a recipe, let the gate judge it, count it, and run it on the samples.

    Args:
        layers: of the model, by `workers.vulkan.lowering.lowering.model_layers`.
        samples: argument tuples that static schemes are calibrated on, and that the quality is taken over.

    Raises:
        ModelError: the model does not lower so, or cannot be run here.
        SpaceError: the recipe gives a layer a scheme that does not fit it.
    """
    lowered = lower(model, target, recipe.settings(layers), samples)
    judged = verdict(graphs_of(lowered))
    measured = None if judged.refused else quality(model, lowered, samples, half=recipe.half)
    return Evaluation(lowered, judged, facts(lowered, judged), measured)
