"""Candidates from their recipes on."""

from support.vulkan_nets import Attention, made

from workers.vulkan.cost.objective import order
from workers.vulkan.evaluation import evaluate
from workers.vulkan.lowering.lowering import model_layers
from workers.vulkan.space.recipe import VulkanRecipe
from workers.vulkan.target import VulkanTarget


def test_the_gate_decides_before_quality_and_quality_before_bytes() -> None:
    model = made(Attention, 1, 8, 32)
    layers, samples = model_layers(model), model.calibration_inputs
    stock, spelled, small = (
        evaluate(model, VulkanTarget(), VulkanRecipe.parse(text), layers, samples)
        for text in ("default", "spell-attention", "scheme=w4-g32 | spell-attention")
    )
    assert stock.quality is None
    assert stock.facts.refused
    assert spelled.quality.worst > 120
    assert 15 < small.quality.worst < 40
    assert small.facts.moved_bytes < spelled.facts.moved_bytes

    def ranked(limit: float) -> list[str]:
        found = {"spelled": spelled, "small": small}
        return sorted(found, key=lambda name: order(found[name].facts, found[name].quality.worst, limit))

    assert ranked(10) == ["small", "spelled"]
    assert ranked(60) == ["spelled", "small"]
