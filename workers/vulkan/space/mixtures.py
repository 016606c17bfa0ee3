"""Mixed schemes that are worth a try.

They have few bytes, and a quality that is expected to reach the user's limit.

Noise of layers that are quantised alone is added up, as if it were independent. That is a guess. What a mixture really
comes to is measured when a search tries it. So one is made for the limit, and others with a reserve. For each, the sum
of all layers' bytes is minimised with a price on noise (Lagrange multipliers). The rest of the allowed noise then goes
to the layers that save the most bytes for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from search_space.choices.frontend.precision import by_layer, write_by_layer
from workers.vulkan.model.layers import LINEAR, Layer
from workers.vulkan.model.scheme import GROUPED, Scheme

#: Decibels above the limit that mixtures are made for.
RESERVES_DB = (0.0, 1.0, 3.0)

#: By so much one layer alone may fall short of the limit, and its scheme is still tried everywhere: errors may cancel.
DOUBT_DB = 6.0

#: Layers with schemes that are measured at most, those with the most bytes to save first: each takes some tenths of a
#: second.
MOST_MEASURED = 64

_SCALE_BYTES = 4


@dataclass(frozen=True)
class _Option:
    """A scheme for one layer, the bytes that the layer then reads, and its noise as a part of the signal's power."""

    scheme: Scheme
    bytes: float
    noise: float


def mixtures(
    layers: Sequence[Layer],
    schemes: Mapping[int, Sequence[Scheme]],
    quality: Callable[[int, Scheme], float | None],
    limit_db: float,
) -> tuple[str, ...]:
    """Mixed schemes for a model, as `scheme` has them.

    Args:
        layers: of the model.
        schemes: by number of the layer, those that fit it besides floating point.
        quality: of a layer that alone has a scheme, in dB; None where it cannot have it.
        limit_db: what the worst output must reach.

    Returns:
        Alternatives of `scheme`, without those that give one scheme to all layers that it fits. Those of all schemes
        come first. Those of weights in groups alone follow, which half precision has kernels for.
    """
    options = _options(layers, schemes, quality)
    found: dict[str, None] = {}
    for allowed in (frozenset(Scheme), frozenset((Scheme.FP, *GROUPED))):
        offered = {number: [one for one in those if one.scheme in allowed] for number, those in options.items()}
        for reserve in RESERVES_DB:
            chosen = _chosen(offered, 10 ** (-(limit_db + reserve) / 10))
            if not _is_plain(chosen, schemes):
                found[_written(chosen)] = None
    return tuple(found)


def by_kind(layers: Sequence[Layer], schemes: Mapping[int, Sequence[Scheme]]) -> tuple[str, ...]:
    """Static int8 for convolutions alone. A linear layer that reads a mean or a view of theirs is not fused. So its
    static weights do not load.

    Args:
        layers, schemes: as of `mixtures`.

    Returns:
        Alternatives of `scheme`, with linear layers in floating point, and with weights of 8 bits. None for models that
        have layers of one kind.
    """
    static = [one for one in layers if Scheme.STATIC8 in schemes.get(one.number, ())]
    convolutions = {one.number: Scheme.STATIC8 for one in static if one.kind != LINEAR}
    others = {one.number: Scheme.W8 for one in layers if Scheme.W8 in schemes.get(one.number, ())}
    if not convolutions or len(convolutions) == len(layers):
        return ()
    return tuple(dict.fromkeys((_written(convolutions), _written({**others, **convolutions}))))


def within_reach(
    layers: Sequence[Layer],
    schemes: Mapping[int, Sequence[Scheme]],
    quality: Callable[[int, Scheme], float | None],
    limit_db: float,
) -> tuple[Scheme, ...]:
    """Schemes that are worth a try for all layers that they fit.

    Args:
        layers, schemes, quality, limit_db: as of `mixtures`.

    Returns:
        All but those with a layer that alone falls short of the limit by more than `DOUBT_DB`.
    """
    noisy = {
        one.scheme
        for those in _options(layers, schemes, quality).values()
        for one in those
        if one.noise > 10 ** (-(limit_db - DOUBT_DB) / 10)
    }
    fitting = {scheme for those in schemes.values() for scheme in those}
    return tuple(scheme for scheme in Scheme if scheme in fitting - noisy)


def read_bytes(layer: Layer, scheme: Scheme) -> float:
    """What a layer reads of weights and activations, about: without padding, and without what stands between layers.

    Args:
        layer: any.
        scheme: that fits it.

    Returns:
        Bytes. Activations are floats, int8 where the scheme is static, and both where they are quantised on the GPU.
    """
    inputs = math.prod(layer.inputs)
    if scheme is Scheme.FP:
        return 4.0 * (layer.weights + inputs)
    bits = 8 if scheme in (Scheme.W8, Scheme.STATIC8) else 4
    scales = layer.weights / scheme.group if scheme.group else layer.shape[0]
    activations = {Scheme.STATIC8: 1}.get(scheme, 6 if scheme.quantises_inputs else 4) * inputs
    return layer.weights * bits / 8 + _SCALE_BYTES * scales + activations


def _options(
    layers: Sequence[Layer],
    schemes: Mapping[int, Sequence[Scheme]],
    quality: Callable[[int, Scheme], float | None],
) -> dict[int, list[_Option]]:
    """By number of the layer; floating point is always among them."""

    def saves(layer: Layer) -> float:
        least = min((read_bytes(layer, one) for one in schemes.get(layer.number, ())), default=math.inf)
        return read_bytes(layer, Scheme.FP) - least

    left = MOST_MEASURED
    found = {}
    for layer in sorted(layers, key=lambda one: (-saves(one), one.number)):
        found[layer.number] = [_Option(Scheme.FP, read_bytes(layer, Scheme.FP), 0.0)]
        for scheme in schemes.get(layer.number, ()):
            left -= 1
            decibels = quality(layer.number, scheme) if left >= 0 else None
            if decibels is not None:
                noise = 10 ** (-decibels / 10)
                found[layer.number].append(_Option(scheme, read_bytes(layer, scheme), noise))
    return found


def _chosen(options: Mapping[int, Sequence[_Option]], allowed: float) -> dict[int, Scheme]:
    """A scheme for each layer with no more noise in sum than is allowed."""

    def at(price: float) -> dict[int, _Option]:
        return {
            number: min(those, key=lambda one: (one.bytes + price * one.noise, one.noise))
            for number, those in options.items()
        }

    def noise(chosen: Mapping[int, _Option]) -> float:
        return sum(one.noise for one in chosen.values())

    low, high = 0.0, 1.0
    while noise(at(high)) > allowed:
        low, high = high, high * 16
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if noise(at(middle)) > allowed else (low, middle)
    chosen = at(high)
    exchanges = [
        ((chosen[number].bytes - one.bytes) / max(one.noise - chosen[number].noise, 1e-30), number, one)
        for number, those in options.items()
        for one in those
        if one.bytes < chosen[number].bytes
    ]
    for _, number, one in sorted(exchanges, key=lambda each: (-each[0], each[1])):
        exchanged = {**chosen, number: one}
        if one.bytes < chosen[number].bytes and noise(exchanged) <= allowed:
            chosen = exchanged
    return {number: one.scheme for number, one in chosen.items()}


def _is_plain(chosen: Mapping[int, Scheme], schemes: Mapping[int, Sequence[Scheme]]) -> bool:
    """Whether all layers are in floating point, or all that one scheme fits have it."""
    used = set(chosen.values()) - {Scheme.FP}
    stays = (number for number, scheme in chosen.items() if scheme is Scheme.FP)
    return not used or (len(used) == 1 and not any(used & set(schemes.get(number, ())) for number in stays))


def _written(chosen: Mapping[int, Scheme]) -> str:
    by_scheme: dict[Scheme, list[int]] = {}
    for number, scheme in sorted(chosen.items()):
        if scheme is not Scheme.FP:
            by_scheme.setdefault(scheme, []).append(number)
    parts = [f"{scheme}@{'+'.join(map(str, numbers))}" for scheme, numbers in by_scheme.items()]
    return write_by_layer(by_layer("/".join(parts)))
