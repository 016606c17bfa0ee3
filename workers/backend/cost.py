"""What a candidate costs, in the numbers that its backend counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Numbers(Protocol):
    """Numbers of a candidate, by the names of metrics and as `sram_bytes` and `flash_bytes`. A cost has them, and so
    have the figures that a store keeps."""

    def __getitem__(self, metric: str) -> int: ...


@dataclass(frozen=True)
class Row:
    """One row of a per-operator table.

    Attributes:
        delegate: index of the delegate that the operator is in, from 0.
        name: of the operator in the program.
        source_op: its kind in the program that is compiled.
        target_op: what the target runs for it.
        cycles: predicted, of what the target runs for the row, in the unit of the objective.
        compiler_cycles: the compiler's own estimate for the row; 0 where it has none.
    """

    delegate: int
    name: str
    source_op: str
    target_op: str
    cycles: int
    compiler_cycles: int = 0


@dataclass(frozen=True)
class Cost:
    """Predicted cost of a candidate.

    Attributes:
        metrics: every metric that the backend describes, by name.
        sram_bytes: peak of the fast memory that the program works in.
        flash_bytes: of its constants and commands.
        artifact_sha256: of what the target is given, one for each delegate.
        rows: by operator.
    """

    metrics: Mapping[str, int]
    sram_bytes: int
    flash_bytes: int
    artifact_sha256: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    def __getitem__(self, metric: str) -> int:
        """The value of a metric, or of `sram_bytes` or `flash_bytes`. Raises KeyError."""
        memory = {"sram_bytes": self.sram_bytes, "flash_bytes": self.flash_bytes}
        return memory[metric] if metric in memory else self.metrics[metric]
