"""Transposes and reshapes move through pooling, RESIZE and convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.layout.propagation import Rules
from search_space.layout.rules.windows import RULES
from search_space.passes.through.base import Through


@dataclass(frozen=True)
class ThroughWindows(Through):
    """Source: TOSA 1.0, AVG_POOL2D, MAX_POOL2D, RESIZE, CONV2D and DEPTHWISE_CONV2D."""

    name: ClassVar[str] = "through-windows"
    law: ClassVar[str] = "a window takes every channel alike, and height and width can change places if the window's do"
    rules: ClassVar[Rules] = RULES
