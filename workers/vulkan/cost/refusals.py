"""What the runtime is known to fail on in a program, and which rewrite mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from search_space.exactness import Exactness
from workers.vulkan.gate.finding import Finding
from workers.vulkan.gate.verdict import verdict
from workers.vulkan.lowering.graph.lowered_graphs import graphs_of
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.passes.base import Rewrite


@dataclass(frozen=True)
class Refusal:
    """Operators of one name that break one rule in the same way.

    Attributes:
        finding: of the first of them.
        times: how many there are.
        rewrites: names of the rewrites, among those asked about, that mend it; with the option that allows one which is
            not exact.
    """

    finding: Finding
    times: int
    rewrites: tuple[str, ...]

    def __str__(self) -> str:
        times = f" ({self.times} times)" if self.times > 1 else ""
        remedy = f"; {' or '.join(self.rewrites)} mends it" if self.rewrites else ""
        return f"{self.finding}{times}{remedy}"


def refusals(lowered: Lowered, available: Sequence[Rewrite]) -> tuple[Refusal, ...]:
    """What keeps a program from being offered.

    Args:
        lowered: any program.
        available: rewrites that have sites in the model.

    Returns:
        One for each rule, operator and reason, in the order in which the gate finds them.
    """

    def mends(one: Finding) -> tuple[str, ...]:
        found = (each for each in available if one.rule.name in each.mends or one.operator in each.removes)
        return tuple(f"{each.name} ({_ALLOWED_BY[each.exactness]})" for each in found)

    counts = Counter(verdict(graphs_of(lowered)).refused)
    return tuple(Refusal(finding, times, mends(finding)) for finding, times in counts.items())


_ALLOWED_BY = {
    Exactness.EXACT: "exact",
    Exactness.REQUANTISING: "--allow-requant",
    Exactness.PRECISION: "--allow-precision",
}
