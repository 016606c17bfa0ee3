"""Convolutions with given weights, biases and scales per channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from search_space.ir.graph import constant
from velatune.testing.program import Program


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution with its RESCALE.

    Attributes:
        ifm: height, width, depth.
        weights: `[OFM depth, kernel height, kernel width, IFM depth]`; of a depthwise convolution the last is 1.
        bias, multipliers, shifts: `[OFM depth]`; the latter two are of the RESCALE.
        stride, dilation: y, x.
        wide: 16-bit activations.
    """

    ifm: tuple[int, int, int]
    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    depthwise: bool = False
    wide: bool = False

    @property
    def ratios(self) -> list[Fraction]:
        """What each channel is multiplied by."""
        return [Fraction(int(m), 1 << int(s)) for m, s in zip(self.multipliers, self.shifts, strict=True)]

    def add_to(self, program: Program, ifm: int | None = None) -> int:
        """Put it into a program, with an input of its own if there is no IFM yet."""
        nodes = program.nodes
        depth, *kernel = self.weights.shape[:3]
        dtype = "INT16" if self.wide else "INT8"
        ifm = program.input(1, *self.ifm, dtype=dtype) if ifm is None else ifm
        result = program.conv(ifm, depth, tuple(kernel), self.stride, self.dilation, self.depthwise, dtype)
        rescale = nodes[result]
        _, weights, bias = nodes[rescale.inputs[0]].inputs[:3]
        in_tosa = self.weights
        if self.depthwise:
            in_tosa = self.weights[..., 0].transpose(1, 2, 0).reshape(nodes[weights].type.shape)
        nodes[weights] = constant(in_tosa, "INT8")
        width = 6 if self.wide else 4
        payload = b"".join(int(value).to_bytes(width, "little", signed=True) for value in self.bias)
        nodes[bias] = replace(nodes[bias], payload=payload)
        multipliers, shifts = rescale.inputs[1:3]
        nodes[multipliers] = constant(self.multipliers, nodes[multipliers].type.dtype)
        nodes[shifts] = constant(self.shifts, "INT8")
        nodes[result] = replace(rescale, attributes={**rescale.attributes, "per_channel": True})
        return result


def random_layer(
    ifm: tuple[int, int, int], depth: int, kernel: tuple[int, int] = (1, 1), stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1), depthwise: bool = False, wide: bool = False, values: Sequence[int] = (),
    seed: int = 0,
) -> Layer:  # fmt: skip
    """A layer with random contents; weights are any, or of `values`."""
    random = np.random.default_rng(seed)
    shape = (depth, *kernel, 1 if depthwise else ifm[2])
    most, bits = (1 << 15, 40) if wide else (1 << 31, 32)
    return Layer(
        ifm=ifm,
        weights=random.choice(values, shape) if values else random.integers(-127, 128, shape),
        bias=random.integers(-(1 << bits - 1), 1 << bits - 1, depth),
        multipliers=random.integers(most // 2, most, depth),
        shifts=random.integers(14, 30, depth) if wide else random.integers(30, 50, depth),
        stride=stride,
        dilation=dilation,
        depthwise=depthwise,
        wide=wide,
    )


def two_of_four(layer: Layer, seed: int = 0) -> Layer:
    """The layer with two of every four weights along the IFM's depth set to zero."""
    groups = layer.weights.reshape(*layer.weights.shape[:-1], -1, 4).copy()
    order = np.random.default_rng(seed).random(groups.shape).argsort(axis=-1)
    np.put_along_axis(groups, order[..., :2], 0, axis=-1)
    return replace(layer, weights=groups.reshape(layer.weights.shape))
