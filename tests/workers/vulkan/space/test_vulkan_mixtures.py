"""Mixed schemes: what they are expected to come to keeps the limit, and is never more than one scheme everywhere."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from support.vulkan_nets import (
    lowered,
    made,
    worst_db,
)
from torch import nn

from search_space.recipe.recipe import Recipe
from workers.vulkan.check.layer_quality import LayerQuality
from workers.vulkan.lowering.lowering import model_layers
from workers.vulkan.model.layers import LINEAR, Layer
from workers.vulkan.model.scheme import GROUPED, Scheme
from workers.vulkan.space.mixtures import by_kind, mixtures, read_bytes, within_reach
from workers.vulkan.space.recipe import VulkanRecipe

OFFERED = (Scheme.W8, Scheme.W4G32, Scheme.W4G128, Scheme.STATIC8)

measured = st.lists(
    st.tuples(st.sampled_from([128, 256, 512]), *(st.floats(5, 90) for _ in OFFERED)), min_size=1, max_size=6
)


def layers_of(widths: list[int]) -> list[Layer]:
    return [Layer(number, f"layer{number}", LINEAR, (64, width), (16, width)) for number, width in enumerate(widths, 1)]


def chosen(text: str, layers: list[Layer]) -> dict[int, Scheme]:
    named = VulkanRecipe.of(Recipe.parse(f"scheme={text}")).scheme_by_layer(layers)
    return {layer.number: named.get(layer.number, Scheme.FP) for layer in layers}


@given(measured, st.floats(5, 80))
@settings(max_examples=30)
def test_a_mixture_keeps_the_limit_by_what_was_measured_and_saves_bytes(
    rows: list[tuple[float, ...]], limit: float
) -> None:
    layers = layers_of([int(width) for width, *_ in rows])
    decibels = {
        (number, scheme): value
        for number, (_, *values) in enumerate(rows, 1)
        for scheme, value in zip(OFFERED, values, strict=True)
    }
    schemes = dict.fromkeys(range(1, len(rows) + 1), OFFERED)
    found = mixtures(layers, schemes, lambda number, scheme: decibels[number, scheme], limit)
    assert len(set(found)) == len(found)
    for text in found:
        mixed = chosen(text, layers)
        noise = sum(10 ** (-decibels[item] / 10) for item in mixed.items() if item[1] is not Scheme.FP)
        assert -10 * math.log10(noise) >= limit - 1e-9
        saved = sum(read_bytes(one, Scheme.FP) - read_bytes(one, mixed[one.number]) for one in layers)
        assert saved > 0


def test_a_layer_that_bears_little_gets_more_bits_than_the_others() -> None:
    layers = layers_of([512, 512, 512])
    bears = {1: 50.0, 2: 12.0, 3: 50.0}

    def of(number: int, scheme: Scheme) -> float:
        return bears[number] if scheme is Scheme.W4G32 else 60.0

    schemes = dict.fromkeys(bears, (Scheme.W8, Scheme.W4G32))
    assert "w4-g32@1+3/w8@2" in mixtures(layers, schemes, of, 30.0)
    assert "w4-g32@1+3" in mixtures(layers, schemes, of, 30.0)  # of weights in groups alone, for half precision
    assert mixtures(layers, schemes, of, 5.0) == ()  # one scheme everywhere will do
    assert mixtures(layers, schemes, lambda *_: None, 10.0) == ()


def test_a_scheme_is_tried_everywhere_unless_one_layer_alone_is_far_from_the_limit() -> None:
    layers, schemes = layers_of([128, 128]), dict.fromkeys((1, 2), (Scheme.W8, Scheme.W4G32))
    decibels = {(1, Scheme.W8): 60.0, (2, Scheme.W8): 35.0, (1, Scheme.W4G32): 40.0, (2, Scheme.W4G32): 33.0}

    def of(number: int, scheme: Scheme) -> float:
        return decibels[number, scheme]

    assert within_reach(layers, schemes, of, 38.0) == (Scheme.W8, Scheme.W4G32)
    assert within_reach(layers, schemes, of, 40.0) == (Scheme.W8,)


def test_convolutions_can_be_static_without_the_linear_layers() -> None:
    layers = [Layer(1, "conv", "conv2d", (8, 3, 3, 3), (1, 3, 8, 8)), *layers_of([128, 128])[1:]]
    schemes = {1: (Scheme.STATIC8,), 2: (Scheme.W8, Scheme.STATIC8)}
    assert by_kind(layers, schemes) == ("static-int8@1", "static-int8@1/w8@2")
    assert by_kind(layers, {1: (Scheme.STATIC8,), 2: ()}) == ("static-int8@1",)
    assert by_kind(layers[:1], schemes) == by_kind(layers[1:], schemes) == ()


class Uneven(nn.Module):
    """Two linear layers; one weight of the first is so large that a scale for its group loses the others."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, 32), nn.Linear(32, 16)
        self.first.weight.data[:, ::32] *= 40

    def forward(self, x):
        return self.second(self.first(x).relu())


def test_the_quality_of_a_layer_alone_is_that_of_the_lowered_program() -> None:
    model = made(Uneven, 16, 64)
    alone = LayerQuality(model, model.calibration_inputs)
    for number in (1, 2):
        program = lowered(model, {number: Scheme.W4G32})
        simulated = worst_db(model, program, model.calibration_inputs)
        assert abs(alone.of(number, Scheme.W4G32) - simulated) < 0.5
    assert alone.of(1, Scheme.FP) == 200


def test_a_mixture_comes_to_about_what_was_expected() -> None:
    model = made(Uneven, 16, 64)
    layers = model_layers(model)
    alone = LayerQuality(model, model.calibration_inputs)
    schemes = {1: (Scheme.W8, Scheme.W4G32), 2: (Scheme.W8, Scheme.W4G32)}
    limit = alone.of(2, Scheme.W4G32) - 1
    assert alone.of(1, Scheme.W4G32) < limit
    (first, *_) = mixtures(layers, schemes, alone.of, limit)
    mixed = chosen(first, list(layers))
    assert mixed[2] in GROUPED and mixed[1] is Scheme.W8
