"""Templates without anything in `__init__`."""

from __future__ import annotations


def expressions(*forward: str) -> list[tuple[str, str]]:
    """One template each."""
    return [("", one) for one in forward]
