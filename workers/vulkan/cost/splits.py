"""Why a model falls into several delegates, and which rewrite would join them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.passes.base import Rewrite


@dataclass(frozen=True)
class Split:
    """Operators of one name that stay on the CPU.

    Attributes:
        operator: as `aten.mul.Scalar`.
        reason: the partitioner's.
        nodes: their names in the lowered program.
        rewrites: names of the rewrites, among those asked about, that avoid the operator.
    """

    operator: str
    reason: str
    nodes: tuple[str, ...]
    rewrites: tuple[str, ...]

    def __str__(self) -> str:
        times = f"{len(self.nodes)} times " if len(self.nodes) > 1 else ""
        remedy = f"; {' or '.join(self.rewrites)} avoids it" if self.rewrites else ""
        return f"{self.operator} {times}on the CPU: {self.reason}{remedy}"


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
        Split(
            operator,
            reason,
            tuple(nodes),
            tuple(dict.fromkeys(rewrite.name for rewrite in available if operator in rewrite.removes)),
        )
        for (operator, reason), nodes in found.items()
    )
    return tuple(sorted(made, key=lambda split: -len(split.nodes)))
