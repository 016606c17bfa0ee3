"""Which rewrites remove a cause, in words.

Causes are operators that stay on the CPU, and what the gate refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_space.exactness import Exactness
from workers.vulkan.passes.base import Rewrite
from workers.vulkan.passes.keep_on_cpu import KeepOnCpu

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
        Each as recipes have it and what allows it, such as `spell-attention (--allow-requant)`. Without one, the
        operator's place on the CPU, if that is among those available.
    """
    found = [one for one in available if operator in one.removes or rule in one.mends]
    if rule and not found:
        # What stays on the CPU splits the program, so it is named where nothing else helps.
        found = [one for one in available if isinstance(one, KeepOnCpu) and one.operator == operator]
    return tuple(f"{one} ({_ALLOWED_BY[one.exactness]})" for one in found)


def with_remedies(cause: str, found: Sequence[str]) -> str:
    """Say a cause and what removes it.

    Args:
        cause: in a few words.
        found: as `remedies` returns them.

    Returns:
        One line.
    """
    return f"{cause}; {' or '.join(found)} removes it" if found else cause
