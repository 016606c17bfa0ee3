"""Everything about a candidate that its lowering has to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.vulkan.lowering.passes import EdgePass, GraphPass
from workers.vulkan.scheme import Scheme


@dataclass(frozen=True)
class Settings:
    """How a model is lowered; by default as stock ExecuTorch lowers a float model.

    Attributes:
        schemes: by number of the layer; layers that are not named stay float.
        half: compute in half precision.
        patterns_off: fusion patterns of ExecuTorch's registry that are off, by name.
        blocked: edge operators that stay on the CPU, by name.
        float_passes: rewrites of the float program, in order, before it is quantised.
        quantised_passes: rewrites of the quantised program, in order.
        edge_passes: rewrites of the program that is partitioned, in order.
    """

    schemes: Mapping[int, Scheme] = field(default_factory=dict)
    half: bool = False
    patterns_off: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    float_passes: tuple[GraphPass, ...] = ()
    quantised_passes: tuple[GraphPass, ...] = ()
    edge_passes: tuple[EdgePass, ...] = ()
