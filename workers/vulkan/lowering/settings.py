"""Everything about a candidate that its lowering has to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.vulkan.lowering.passes import EdgePass, GraphPass
from workers.vulkan.model.scheme import Scheme

Sites = frozenset[int]
"""Numbers of places from 1, in program order when the program is partitioned; none of them stands for all."""


@dataclass(frozen=True)
class Settings:
    """How a model is lowered; by default as stock ExecuTorch lowers a float model.

    Attributes:
        schemes: by number of the layer; layers that are not named stay float.
        half: compute in half precision.
        unfused: where fusion patterns of ExecuTorch's registry are not taken, by the name of the pattern.
        on_cpu: where edge operators stay on the CPU, by the name of the operator, such as `aten.mul.Tensor`.
        float_passes: rewrites of the float program, in order, before it is quantised.
        quantised_passes: rewrites of the quantised program, in order.
        edge_passes: rewrites of the program that is partitioned, in order.
    """

    schemes: Mapping[int, Scheme] = field(default_factory=dict)
    half: bool = False
    unfused: Mapping[str, Sites] = field(default_factory=dict)
    on_cpu: Mapping[str, Sites] = field(default_factory=dict)
    float_passes: tuple[GraphPass, ...] = ()
    quantised_passes: tuple[GraphPass, ...] = ()
    edge_passes: tuple[EdgePass, ...] = ()
