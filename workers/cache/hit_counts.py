"""How much of what a search asked for was known."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Reuse:
    """How many prices, checks or successors of graphs were asked for, and how many the memo had."""

    prices: int = 0
    known_prices: int = 0
    checks: int = 0
    known_checks: int = 0
    expansions: int = 0
    known_expansions: int = 0

    def __add__(self, other: Reuse) -> Reuse:
        return Reuse(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __sub__(self, other: Reuse) -> Reuse:
        return Reuse(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))
