"""Products and sums with a constant for each channel as depthwise 1x1 convolutions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import frexp, prod
from typing import ClassVar

import numpy as np

from search_space.analysis.channel_values import channel_values
from search_space.analysis.constant_evaluation import Values
from search_space.analysis.rescale_by_one import shifted_only
from search_space.analysis.uniform_constant import uniform_value
from search_space.building.miscompiled.shared_weights import separate
from search_space.building.new_convolution import depthwise_convolved
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, TensorType, constant, move
from search_space.passes.base import Pass

_INPUTS = np.arange(-128, 128)
_LOW, _HIGH = -128, 127

#: Number of weights that are tried for a channel of a sum, those that leave most room for rounding first.
_TRIED = 8

#: Channels of sums of which the weights are kept in memory: the programs of one model have the same few hundred.
_KEPT = 1 << 14


@dataclass(frozen=True)
class _Depthwise:
    """One weight, bias, multiplier and shift for each channel; `zeros` of x and of the weights."""

    weights: Values
    biases: Values
    multipliers: Values
    shifts: Values
    zeros: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class ChannelAffineAsDepthwise(Pass):
    """Source: TOSA 1.0, DEPTHWISE_CONV2D and RESCALE per channel. A product is one as it stands. A sum is scaled by
    2^19 and more, which no weight is. So a search finds weight, bias and multiplier of each channel, equal at all 256
    values of x. On Ethos-U55 a sum takes the output unit half as long again as a convolution does. Vela's estimate has
    broadcast constants read at full size.
    """

    name: ClassVar[str] = "channel-affine-as-depthwise"
    law: ClassVar[str] = (
        "x times or plus a constant for each channel is a depthwise convolution of x, on all 256 values"
    )

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "RESCALE" or node.type.dtype != "INT8" or not edit.used_once(node.inputs[0]):
            return False
        inner = edit[node.inputs[0]]
        if inner.op not in ("ADD", "MUL", "SUB") or not inner.type.shape or node.attributes["per_channel"]:
            return False
        for at in (0, 1):
            wide, factors = inner.inputs[at], channel_values(edit, inner.inputs[1 - at], {})
            x = edit[wide].inputs[0] if edit[wide].op == "RESCALE" else None
            if x is None or factors is None or not 1 < len(factors) == node.type.shape[-1]:
                continue
            if edit[x].type != node.type:
                continue
            if inner.op == "MUL":
                found = _product(edit, node, inner, wide, factors[:, 0])
            else:
                found = _sum(edit, node_id, wide, -1 if inner.op == "SUB" and at == 1 else 1)
            if found is not None:
                _put(edit, node_id, x, found)
                return True
        return False


def _product(edit: Editor, node: Node, inner: Node, wide: int, factors: Values) -> _Depthwise | None:
    """Factors that are weights, but for a zero point."""
    zero = uniform_value(edit, edit[wide].inputs[3])
    multiplier, shift = (uniform_value(edit, i) for i in node.inputs[1:3])
    if (
        not shifted_only(edit, edit[wide])
        or uniform_value(edit, inner.inputs[2]) != 0
        or not node.attributes["scale32"]
    ):
        return None
    lowest, highest = max(_LOW, _LOW - int(factors.min())), min(_HIGH, _HIGH - int(factors.max()))
    if zero is None or multiplier is None or shift is None or lowest > highest:
        return None
    weight_zero = min(max(0, lowest), highest)
    alike = np.ones_like(factors)
    return _Depthwise(factors + weight_zero, 0 * alike, multiplier * alike, shift * alike, (zero, weight_zero))


def _sum(edit: Editor, node_id: int, wide: int, sign: int) -> _Depthwise | None:
    node = edit[node_id]
    wanted = channel_values(edit, node_id, {edit[wide].inputs[0]: _INPUTS[None]})
    scales = [[uniform_value(edit, i) for i in rescale.inputs[1:3]] for rescale in (edit[wide], node)]
    zero = uniform_value(edit, node.inputs[4])
    if wanted is None or zero is None or node.attributes["rounding_mode"] != "SINGLE_ROUND":
        return None
    slope = float(sign)
    for multiplier, shift in scales:
        if multiplier is None or shift is None or multiplier <= 0:
            return None
        slope *= multiplier / 2.0**shift
    fitted = []
    for values in wanted.astype(np.int8):
        channel = _fitted(values.tobytes(), zero, slope)
        if channel is None:
            return None
        fitted.append(channel)
    weights, biases, multipliers, shifts = (np.array(column) for column in zip(*fitted, strict=True))
    return _Depthwise(weights, biases, multipliers, shifts)


@lru_cache(maxsize=_KEPT)
def _fitted(results: bytes, zero: int, slope: float) -> tuple[int, int, int, int] | None:
    """Weight, bias, multiplier and shift of an affine function that rounds to what is wanted at all values, if one is
    found.

    Args:
        results: what is wanted, in int8.
    """
    wanted = np.frombuffer(results, np.int8).astype(np.int64)
    line = wanted - zero - slope * _INPUTS
    # The offset lies between these, where the result is not at the end of its range.
    lows, highs = (line - 0.5)[wanted > _LOW], (line + 0.5)[wanted < _HIGH]
    if not len(lows) or not len(highs):
        return None
    low, high = lows.max(), highs.min()
    weights = np.arange(1, _HIGH + 1)
    units = abs(slope) / weights
    biases = np.round((low + high) / 2 / units)
    room = np.minimum(biases * units - low, high - biases * units)
    for at in np.argsort(-room)[:_TRIED]:
        fraction, exponent = frexp(units[at])
        multiplier, shift = round(fraction * (1 << 31)), 31 - exponent
        weight, bias = int(weights[at]) * (1 if slope > 0 else -1), int(biases[at])
        sums = weight * _INPUTS + bias
        if not 2 <= shift <= 62 or multiplier >= 1 << 31 or abs(sums).max() >= min(1 << (shift - 1), 1 << 31):
            continue
        scaled = (sums * multiplier + (1 << (shift - 1))) >> shift
        if (np.clip(scaled + zero, _LOW, _HIGH) == wanted).all():
            return weight, bias, multiplier, shift
    return None


def _put(edit: Editor, node_id: int, x: int, found: _Depthwise) -> None:
    node = edit[node_id]
    shape = node.type.shape
    channels = shape[-1]
    # Up to four dimensions with one image: further ones are rows.
    pixels = (1, prod(shape[:-2]), *shape[-2:-1]) if len(shape) > 2 else (1, 1, prod(shape[:-1]))
    image = TensorType((*pixels, channels), "INT8")
    if shape != image.shape:
        x = edit.add(move(x, node.type, (Step("reshape", image.shape),)))
    weights, biases = found.weights.astype(np.int8).reshape(1, 1, channels, 1), found.biases.astype(np.int32)
    of_x, of_weights = (edit.add(constant(np.array([zero], np.int8))) for zero in found.zeros)
    product = depthwise_convolved(edit, x, weights, biases, (of_x, of_weights))
    scales = constant(found.multipliers, "INT32"), constant(found.shifts, "INT8")
    result = replace(
        node, inputs=(product, *map(edit.add, scales), *node.inputs[3:]), type=image,
        attributes={**node.attributes, "scale32": True, "per_channel": True},
    )  # fmt: skip
    if shape == image.shape:
        edit.redefine(node_id, result)
    else:
        edit.redefine(node_id, move(edit.add(result), image, (Step("reshape", shape),), node.name))
    # Sums of one scale with other constants often have the same weights and scales.
    separate(edit, product)
