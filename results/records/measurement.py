"""What a user's board or simulator counted for a program, and what was predicted for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from results.records.identity import Target
from results.records.record import Record, canonical_json, utc_now


@dataclass(frozen=True)
class Measurement(Record):
    """One program on one device.

    Attributes:
        target: the NPU and the facts of the board that a prediction was made for.
        device: what the user calls the board or simulator.
        label: `simulated`, or `measured` on hardware.
        program: name of the program's file.
        program_sha256: hash of all that the NPU executes.
        cycles: what was counted for the NPU in one inference.
        predicted_cycles: by the model of version `model_version`.
        compiler_cycles: the compiler's own estimate, if it is known.
        parts: what `predicted_cycles` was computed from, so that it can be computed again. The store does not interpret
            it.
        board_facts: the configuration of the board as text, for the same end.
        source: where the number comes from, such as the name of a log.
        created: UTC time as `utc_now` writes it.
    """

    target: Target
    device: str
    label: Literal["simulated", "measured"]
    program: str
    program_sha256: str
    cycles: int
    predicted_cycles: int
    model_version: str
    parts: tuple[str, ...]
    board_facts: str
    compiler_cycles: int | None = None
    source: str = ""
    created: str = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        for name in ("cycles", "predicted_cycles"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 0 < value < 2**63:
                raise ValueError(f"Measurement.{name} must be a positive int, not {value!r}")
        if not self.device or not self.program_sha256:
            raise ValueError("a measurement needs a device and a program")

    @property
    def key(self) -> str:
        """SHA-256 (hex) of what makes two measurements the same: target, device, label and program."""
        content = [vars(self.target), self.device, self.label, self.program_sha256]
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    @property
    def error_percent(self) -> float:
        """Of the prediction; below zero where it is too low."""
        return 100 * (self.predicted_cycles / self.cycles - 1)
