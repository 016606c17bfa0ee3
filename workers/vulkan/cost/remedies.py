"""Which rewrites remove a cause, in words.

Causes are operators that stay on the CPU, and what the gate refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_space.exactness import Exactness
from workers.vulkan.passes.base import Rewrite

_ALLOWED_BY = {
    Exactness.EXACT: "exact",
    Exactness.REQUANTISING: "--allow-requant",
    Exactness.PRECISION: "--allow-precision",
}


def remedies(available: Sequence[Rewrite], operator: str, rule: str = "") -> tuple[str, ...]:
    """Find the rewrites that remove a cause.

    Args:
        available: rewrites that have sites in the model.
        operator: with the cause.
        rule: of the gate that the operator breaks; empty where it stays on the CPU.

    Returns:
        Each by its name and what allows it, such as `spell-attention (--allow-requant)`.
    """
    found = (one for one in available if operator in one.removes or rule in one.mends)
    return tuple(f"{one.name} ({_ALLOWED_BY[one.exactness]})" for one in found)


def with_remedies(cause: str, found: Sequence[str]) -> str:
    """Say a cause and what removes it.

    Args:
        cause: in a few words.
        found: as `remedies` returns them.

    Returns:
        One line.
    """
    return f"{cause}; {' or '.join(found)} removes it" if found else cause
