"""Whether ExecuTorch's Vulkan runtime is known to fail on a lowered program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workers.vulkan.gate.finding import Finding, Severity
from workers.vulkan.gate.rules import RULES
from workers.vulkan.lowering.graph.lowered_graphs import judged_graphs
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.lowering.lowered import Lowered

NOT_KNOWN_TO_FAIL = "not known to fail"


@dataclass(frozen=True)
class Verdict:
    """The findings of all rules on a program.

    Attributes:
        findings: in the order of the delegates and their operators, those of one rule together.
    """

    findings: tuple[Finding, ...]

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Why it must not be offered; empty where it may be."""
        return tuple(one for one in self.findings if one.rule.severity is Severity.REFUSED)

    @property
    def suspect(self) -> tuple[Finding, ...]:
        """What a run on the device should look at."""
        return tuple(one for one in self.findings if one.rule.severity is Severity.SUSPECT)

    def __str__(self) -> str:
        """In one line."""
        if self.refused:
            return f"refused: {self.refused[0]}"
        return f"suspect: {self.suspect[0]}" if self.suspect else NOT_KNOWN_TO_FAIL


def verdict_of(lowered: Lowered) -> Verdict:
    """What the rules say of a lowered program: of its delegates, and of what stays on the CPU."""
    return verdict(judged_graphs(lowered))


def verdict(graphs: Iterable[Graph]) -> Verdict:
    """What the rules say of all delegates of a program."""
    return Verdict(
        tuple(
            Finding(rule, operator, reason)
            for graph in graphs
            for rule in RULES
            for operator, reason in rule.check(graph)
        )
    )
