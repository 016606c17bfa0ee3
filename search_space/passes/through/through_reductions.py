"""Transposes and reshapes move through reductions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.layout.propagation import Rules
from search_space.layout.rules.reductions import RULES
from search_space.passes.through.base import Through


@dataclass(frozen=True)
class ThroughReductions(Through):
    """Source: TOSA 1.0, REDUCE_* and ARGMAX."""

    name: ClassVar[str] = "through-reductions"
    law: ClassVar[str] = "reduce(map(x)) = map(reduce(x)) along the dimension that the reduced one is before the map"
    rules: ClassVar[Rules] = RULES
