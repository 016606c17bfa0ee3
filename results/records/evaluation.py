"""What one candidate turned out to cost, and whether it is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from results.records.figures import Figures, OperatorRow, Quality
from results.records.record import (
    CLASSES,
    STATUSES,
    ExactnessClass,
    Label,
    Record,
    Status,
    finite,
    one_of,
    utc_now,
    whole,
)


@dataclass(frozen=True)
class Evaluation(Record):
    """What one candidate turned out to cost, and whether it is right.

    Attributes:
        identity_key: `Identity.key` of the model and target that it is a candidate for.
        recipe: canonical recipe text.
        program_hash: content hash of the candidate's graphs; empty when none came to be.
        reason: why the candidate is not ok; empty when it is.
        verified: the outputs were checked, and the command streams executed. If `exactness` is exact, they equal the
            default lowering's bit for bit. Otherwise the quality is within the limit of the identity's objective.
        check: what the check used. Plain JSON; the report understands
            `{"inputs": [{"kind": "random", "count": 4, "seed": 7}, {"kind": "minimum", "count": 1}, ...]}`
            and shows any other key as it is, but for two. `whole`: true where whole programs were run on all inputs,
            with nothing shared or computed otherwise. `executed`: false where the command streams were not executed.
        command_stream_sha256: hash of the command stream of each delegate, in order.
        operators: per-operator table; may be empty for candidates nobody will look at.
        attempts: how often it was tried until this came out.
        exactness: the class of the recipe's least exact element.
        quality: where other than exact recipes were allowed.
        created: UTC time as `utc_now` writes it.
    """

    identity_key: str
    recipe: str
    program_hash: str
    status: Status
    reason: str = ""
    figures: Figures | None = None
    verified: bool = False
    check: dict[str, Any] = field(default_factory=dict)
    command_stream_sha256: tuple[str, ...] = ()
    operators: tuple[OperatorRow, ...] = ()
    attempts: int = 1
    seconds: float = 0.0
    exactness: ExactnessClass = "exact"
    quality: Quality | None = None
    created: str = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        one_of("Evaluation.status", self.status, STATUSES)
        one_of("Evaluation.exactness", self.exactness, CLASSES)
        if self.status == "ok" and self.figures is None:
            raise ValueError("an evaluation with status ok needs figures")
        if self.status == "ok" and self.reason:
            raise ValueError("an evaluation with status ok has no reason")
        if self.verified and self.status != "ok":
            raise ValueError(f"an evaluation with status {self.status!r} cannot be verified")
        if self.verified and self.exactness != "exact" and self.quality is None:
            raise ValueError("an evaluation that is not exact cannot be verified without its quality")
        if self.verified and self.quality is not None and self.quality.shortfall:
            raise ValueError("an evaluation whose quality falls short cannot be verified")
        whole("Evaluation.attempts", self.attempts)
        finite("Evaluation.seconds", self.seconds)

    @property
    def has_right_programs(self) -> bool:
        """Its programs were checked as for `verified`, whether or not its command streams were executed."""
        return self.status == "ok" and not (self.quality and self.quality.shortfall)

    @property
    def is_unexecuted(self) -> bool:
        """Its programs were checked or measured, and its command streams were not executed."""
        return self.status == "ok" and self.check.get("executed") is False

    @property
    def checked_whole(self) -> bool:
        """Verified, and not by parts."""
        return self.verified and self.check.get("whole") is True

    @property
    def bit_exact(self) -> bool:
        """Checked equal to the default lowering, bit for bit."""
        return self.verified and self.exactness == "exact"


@dataclass(frozen=True)
class Simulation(Record):
    """What a simulator counted when it ran a candidate's `.pte`; stands beside the candidate's predicted figures.

    Attributes:
        identity_key, recipe: the candidate.
        simulator: file name of the simulator.
        runner_sha256: hash of the program that ran the `.pte` there. The timings of the board's memory are part of it.
        npu_cycles: in one inference, of all delegates; nothing of the CPU is in it.
        created: UTC time as `utc_now` writes it.
    """

    identity_key: str
    recipe: str
    simulator: str
    runner_sha256: str
    npu_cycles: int
    label: Label = "simulated"
    created: str = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        whole("Simulation.npu_cycles", self.npu_cycles)
        one_of("Simulation.label", self.label, ("simulated",))
