"""Transposes and reshapes move through GATHER and SCATTER."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.layout.propagation import Rules
from search_space.layout.rules.gathers import RULES
from search_space.passes.through.base import Through


@dataclass(frozen=True)
class ThroughGathers(Through):
    """Source: TOSA 1.0, GATHER and SCATTER."""

    name: ClassVar[str] = "through-gathers"
    law: ClassVar[str] = "gather and scatter along a dimension follow it to where it is before the map"
    rules: ClassVar[Rules] = RULES
