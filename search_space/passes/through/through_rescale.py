"""Transposes and reshapes move through RESCALE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.layout.propagation import Rules
from search_space.layout.rules.rescale import RULES
from search_space.passes.through.base import Through


@dataclass(frozen=True)
class ThroughRescale(Through):
    """Source: TOSA 1.0, RESCALE (a per-channel multiplier belongs to the last dimension); rewrite 7 of ExecuTorch pull
    request #18167.
    """

    name: ClassVar[str] = "through-rescale"
    law: ClassVar[str] = "rescale(map(x)) = map(rescale(x)) with each multiplier at its channel's new place"
    rules: ClassVar[Rules] = RULES
