"""What the gate says of an operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from workers.vulkan.lowering.graph.vk_graph import Graph


class Severity(StrEnum):
    """REFUSED: the runtime does not load it, or computes something else. SUSPECT: it was seen to differ on a software
    Vulkan whose own part in that is not excluded."""

    REFUSED = "refused"
    SUSPECT = "suspect"


@dataclass(frozen=True)
class Rule:
    """A way to fail that is known.

    Attributes:
        name: lower case with hyphens.
        severity: of its findings.
        source: where it is known from: a thread of pytorch/executorch, a file of its runtime, or a run.
        versions: of ExecuTorch's runtime that it is known of.
        check: the operators of a delegate that fail so, each with the reason.
    """

    name: str
    severity: Severity
    source: str
    versions: str
    check: Callable[[Graph], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class Finding:
    """A rule that an operator breaks."""

    rule: Rule
    operator: str
    reason: str

    def __str__(self) -> str:
        return f"{self.operator}: {self.reason} ({self.rule.source}; {self.rule.versions})"
