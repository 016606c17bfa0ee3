"""How the weights and activations of layers are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.choices.frontend.precision import by_layer, write_by_layer
from search_space.exactness import Exactness
from workers.vulkan.choices.base import VulkanChoice
from workers.vulkan.model.scheme import Scheme


def _law(scheme: Scheme) -> str:
    if scheme is Scheme.STATIC8:
        return "weights and activations of 8 bits take a quarter of the bytes"
    if scheme.quantises_inputs:
        return f"weights of 4 bits for each {scheme.group} inputs, activations of 8 bits that are quantised on the GPU"
    if scheme.group is not None:
        return f"weights of 4 bits, one scale for each {scheme.group} inputs"
    return f"weights of {scheme.value[1:]} bits, one scale for each output channel"


class SchemeOfLayers(VulkanChoice):
    """Layers are numbered from 1 in the order of the exported program. `w4-g32@1+3/w8` gives the first and the third
    groups of 32, and all others that it fits 8 bits."""

    name: ClassVar[str] = "scheme"
    alternatives: ClassVar[Mapping[str, str]] = {one.value: _law(one) for one in Scheme if one is not Scheme.FP}
    inexact: ClassVar[Mapping[str, Exactness]] = dict.fromkeys(alternatives, Exactness.PRECISION)

    @classmethod
    def parts(cls, alternative: str) -> tuple[str, ...]:
        return tuple(name for name, _ in by_layer(alternative))

    @classmethod
    def written(cls, alternative: str) -> str:
        return write_by_layer(by_layer(alternative))
