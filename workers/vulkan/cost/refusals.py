"""What the runtime is known to fail on in a program, and which rewrite removes the cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from workers.vulkan.cost.remedies import remedies, with_remedies
from workers.vulkan.gate.finding import Finding
from workers.vulkan.gate.verdict import verdict_of
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.passes.base import Rewrite


@dataclass(frozen=True)
class Refusal:
    """Operators of one name that break one rule in the same way.

    Attributes:
        finding: of the first of them.
        times: how many there are.
        rewrites: that remove the cause, as `remedies` returns them.
    """

    finding: Finding
    times: int
    rewrites: tuple[str, ...]

    def __str__(self) -> str:
        times = f" ({self.times} times)" if self.times > 1 else ""
        return with_remedies(f"{self.finding}{times}", self.rewrites)


def refusals(lowered: Lowered, available: Sequence[Rewrite]) -> tuple[Refusal, ...]:
    """What keeps a program from being offered.

    Args:
        lowered: any program.
        available: rewrites that have sites in the model.

    Returns:
        One for each rule, operator and reason, in the order in which the gate finds them.
    """

    counts = Counter(verdict_of(lowered).refused)
    return tuple(
        Refusal(finding, times, remedies(available, finding.operator, finding.rule.name))
        for finding, times in counts.items()
    )
