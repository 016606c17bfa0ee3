"""What is wrong with a command stream, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong.

    Attributes:
        offset: of the operation, as in `Operation.offset`; None if no single one is at fault.
        reason: in one line.
    """

    offset: int | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.offset is None else f"operation at {self.offset:#x}: {self.reason}"
