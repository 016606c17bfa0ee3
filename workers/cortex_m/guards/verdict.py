"""What a guard says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """What happens on the device."""

    WRONG = "computes wrong outputs without an error"
    FAILS = "fails"
    FLOAT = "stays in float"


@dataclass(frozen=True)
class Verdict:
    """A place where a program does on the device what nobody wants.

    Attributes:
        guard: its name.
        node: of the lowered program; empty if it is about the whole file.
        severity: what happens.
        message: one line for people: what is wrong, why, and what mends it.
    """

    guard: str
    node: str
    severity: Severity
    message: str
