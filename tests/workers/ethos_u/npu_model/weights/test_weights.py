"""Decoded weights, biases and scales are those of the TOSA program that Vela encoded."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.streams.emitted import ACCELERATORS, Emitted, emitted
from support.streams.layers import Layer, random_layer, two_of_four

from velatune.testing.program import Program
from workers.ethos_u.npu_model.weights import ChannelScales
from workers.ethos_u.target import Target

U85 = tuple(name for name in ACCELERATORS if name.startswith("ethos-u85"))

LAYERS = {
    "pointwise": random_layer((4, 4, 40), 72),
    "pointwise deep": random_layer((2, 2, 300), 330),
    "3x3": random_layer((8, 8, 16), 24, (3, 3)),
    "3x3 deep": random_layer((4, 4, 100), 70, (3, 3)),
    "few channels": random_layer((8, 8, 3), 20, (3, 3)),
    "one channel": random_layer((4, 4, 8), 1, (3, 3)),
    "two kernel parts each way": random_layer((12, 12, 5), 9, (9, 11)),
    "long": random_layer((3, 80, 4), 7, (1, 70)),
    "stride": random_layer((11, 11, 7), 33, (5, 5), stride=(2, 2)),
    "stride 3": random_layer((17, 17, 5), 15, (6, 6), stride=(3, 1)),
    "dilation": random_layer((11, 11, 17), 33, (5, 3), dilation=(2, 2)),
    "dilation, kernel parts": random_layer((20, 30, 9), 7, (6, 9), dilation=(2, 1), stride=(2, 1)),
    "depthwise": random_layer((11, 11, 19), 19, (3, 3), depthwise=True),
    "depthwise stride": random_layer((11, 11, 70), 70, (5, 5), depthwise=True, stride=(2, 2)),
    "depthwise dilation": random_layer((11, 11, 40), 40, (3, 5), depthwise=True, dilation=(2, 2)),
    "depthwise kernel parts": random_layer((15, 15, 24), 24, (9, 10), depthwise=True),
    "wide": random_layer((8, 8, 24), 24, (3, 3), wide=True),
    "wide pointwise": random_layer((8, 8, 70), 90, wide=True),
    "wide few channels": random_layer((8, 8, 3), 24, (3, 3), wide=True),
    "wide stride": random_layer((4, 4, 90), 40, (5, 5), wide=True, stride=(2, 2)),
    "wide depthwise": random_layer((9, 9, 70), 70, (5, 5), wide=True, depthwise=True, stride=(2, 2)),
}

FORMATS = {
    "any": random_layer((4, 4, 64), 96, (3, 3)),
    "16 values": random_layer((4, 4, 256), 96, values=range(-8, 8)),
    "4 values": random_layer((4, 4, 256), 96, (3, 3), values=(-3, 0, 5, 90)),
    "small": random_layer((4, 4, 256), 96, values=range(-2, 20)),
    "2 of 4": two_of_four(random_layer((4, 4, 256), 96)),
    "2 of 4, few": two_of_four(random_layer((4, 4, 256), 96, (3, 3), values=(-3, -1, 2, 4))),
    "2 of 4, part kernel": two_of_four(random_layer((4, 4, 16), 96, (3, 3))),
    "wide": random_layer((4, 4, 256), 96, (3, 3), wide=True),
    "wide, 4 values": random_layer((4, 4, 256), 96, values=(-3, 0, 5, 90), wide=True),
    "wide, 2 of 4": two_of_four(random_layer((4, 4, 256), 96, (3, 3), wide=True)),
}


def ratios(scales: ChannelScales) -> list[Fraction]:
    return [Fraction(int(m), 1 << int(s)) for m, s in zip(scales.scale, scales.shift, strict=True)]


def operations_of(layers: list[Layer], target: Target) -> list[list[tuple[int, Emitted]]]:
    """Compile layers side by side. For each its operations, each with the first of the channels that it computes."""
    program = Program()
    results = [layer.add_to(program) for layer in layers]
    operations, outputs = emitted(program.tosa(*results), target)
    found: list[list[tuple[int, Emitted]]] = [[] for _ in layers]
    for one in operations:
        ofm = one.operation.ofm
        assert ofm is not None
        for layer, output in enumerate(outputs):
            start = ofm.addresses[0] - output.address
            if ofm.region == output.region and 0 <= start < output.bytes:
                found[layer].append((start // output.element_bytes % output.shape[-1], one))
    return found


def assert_decoded(layer: Layer, operations: list[tuple[int, Emitted]]) -> None:
    """Operations with the first of their channels are given all of a layer."""
    done = np.zeros(len(layer.weights), np.bool_)
    for first, one in operations:
        weights, scales = one.weights, one.scales
        part = slice(first, first + len(weights))
        np.testing.assert_array_equal(weights, layer.weights[part])
        np.testing.assert_array_equal(scales.bias, layer.bias[part])
        assert ratios(scales) == layer.ratios[part]
        done[part] = True
    assert done.all()


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_layers(accelerator: str) -> None:
    found = operations_of(list(LAYERS.values()), Target.parse(accelerator))
    for layer, operations in zip(LAYERS.values(), found, strict=True):
        assert_decoded(layer, operations)


def form(one: Emitted) -> str:
    """The weight format, and which of the fast one's three forms."""
    name = one.operation.weight_format
    assert name is not None
    return (
        name if name.startswith("SWD") else f"{name} {('16 values', 'raw', '4 values')[one.weight_streams[0][0] & 3]}"
    )


def test_weight_formats() -> None:
    found = {}
    for accelerator in U85:
        operations = operations_of(list(FORMATS.values()), Target.parse(accelerator))
        for layer, of_layer in zip(FORMATS.values(), operations, strict=True):
            assert_decoded(layer, of_layer)
        found[accelerator] = {form(one) for of_layer in operations for _, one in of_layer}
    sparse = {"SWD/SPARSE_2_4", "FWD/SPARSE_2_4 raw"}
    dense = {"FWD raw", "FWD 16 values", "FWD 4 values"}
    assert all(forms & sparse and forms & dense for forms in found.values())
    assert set().union(*found.values()) == {"SWD"} | sparse | dense


@settings(max_examples=25)
@given(st.data())
def test_any_layer(data: st.DataObject) -> None:
    draw = data.draw
    depthwise = draw(st.booleans())
    channels = draw(st.integers(1, 80))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    layer = random_layer(
        ifm=(1 + 2 * stride[0], 1 + 3 * stride[1], channels),
        depth=channels if depthwise else draw(st.integers(1, 80)),
        kernel=draw(st.sampled_from([(1, 1), (2, 3), (3, 3), (5, 4), (1, 9), (10, 2)])),
        stride=stride,
        dilation=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        depthwise=depthwise,
        wide=draw(st.booleans()),
        values=draw(st.sampled_from([(), range(-3, 4), (0, 0, 0, 0, 0, 0, 7, -90)])),
        seed=draw(st.integers(0, 100)),
    )
    (operations,) = operations_of([layer], Target.parse(draw(st.sampled_from(ACCELERATORS))))
    assert_decoded(layer, operations)


@pytest.mark.parametrize(
    ("accelerator", "memory_mode", "one", "other"),
    [
        ("ethos-u55-64", "Shared_Sram", ((16, 16, 32), 1024), ((16, 16, 1024), 1024, (5, 5), (1, 1), (1, 1), True)),
        ("ethos-u65-256", "Dedicated_Sram", ((1, 1, 32), 1024), ((1, 1, 1024), 300)),
        ("ethos-u65-512", "Dedicated_Sram", ((1, 1, 32), 1024), ((1, 1, 1024), 300)),
        ("ethos-u85-256", "Shared_Sram", ((16, 16, 128), 1024), ((16, 16, 1024), 300)),
        ("ethos-u85-512", "Dedicated_Sram", ((16, 16, 128), 1024), ((16, 16, 1024), 300)),
        ("ethos-u85-2048", "Shared_Sram", ((16, 16, 128), 1024), ((16, 16, 1024), 300)),
    ],
)
def test_weights_that_are_copied_in_slices_of_channels(
    accelerator: str, memory_mode: str, one: tuple, other: tuple
) -> None:
    first, second = random_layer(*one), random_layer(*other)
    program = Program()
    result = second.add_to(program, first.add_to(program))
    found, _ = emitted(program.tosa(result), Target.parse(accelerator, memory_mode=memory_mode))
    assert len(found) > 2
    assert len({one.operation.weights[0].address for one in found}) < len(found), "no memory is used twice"

    def joined(arrays: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate([array.ravel() for array in arrays])

    np.testing.assert_array_equal(joined(one.weights for one in found), joined((first.weights, second.weights)))
    np.testing.assert_array_equal(joined(one.scales.bias for one in found), joined((first.bias, second.bias)))
    assert [ratio for one in found for ratio in ratios(one.scales)] == first.ratios + second.ratios
