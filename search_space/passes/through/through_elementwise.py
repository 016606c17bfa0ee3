"""Transposes and reshapes move through operators that treat every element alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.layout.propagation import Rules
from search_space.layout.rules.elementwise import RULES
from search_space.passes.through.base import Through


@dataclass(frozen=True)
class ThroughElementwise(Through):
    """Source: TOSA 1.0, elementwise operators; rewrite 6 of ExecuTorch pull request #18167."""

    name: ClassVar[str] = "through-elementwise"
    law: ClassVar[str] = "f(map(x), map(y)) = map(f(x, y)) for every elementwise f"
    rules: ClassVar[Rules] = RULES
