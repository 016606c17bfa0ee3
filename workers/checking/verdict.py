"""What comes of comparing a candidate with the default lowering."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison of outputs.

    Attributes:
        equal: all outputs were equal on all inputs.
        reason: in one line what was not.
    """

    equal: bool
    reason: str = ""
