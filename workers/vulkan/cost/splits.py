"""Why a model falls into several delegates, and which rewrite would join them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workers.vulkan.cost.remedies import remedies, with_remedies
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.passes.base import Rewrite


@dataclass(frozen=True)
class Split:
    """Operators of one name that stay on the CPU.

    Attributes:
        operator: as `aten.mul.Scalar`.
        reason: the partitioner's.
        nodes: their names in the lowered program.
        rewrites: that avoid the operator, as `remedies` returns them.
    """

    operator: str
    reason: str
    nodes: tuple[str, ...]
    rewrites: tuple[str, ...]

    def __str__(self) -> str:
        times = f"{len(self.nodes)} times " if len(self.nodes) > 1 else ""
        return with_remedies(f"{self.operator} {times}on the CPU: {self.reason}", self.rewrites)


def splits(lowered: Lowered, available: Sequence[Rewrite]) -> tuple[Split, ...]:
    """What keeps a program from being one delegate, the most frequent first.

    Args:
        lowered: any program.
        available: rewrites that have sites in the model.

    Returns:
        One for each operator and reason.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for one in lowered.host_operators:
        found.setdefault((one.operator, one.reason), []).append(one.name)
    made = (
        Split(operator, reason, tuple(nodes), remedies(available, operator))
        for (operator, reason), nodes in found.items()
    )
    return tuple(sorted(made, key=lambda split: -len(split.nodes)))
