"""What a compiled candidate costs, and what no candidate can go below."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from results.records.record import LABELS, Label, Record, one_of, whole


@dataclass(frozen=True)
class Figures(Record):
    """What a compiled candidate costs. All numbers are non-negative integers and carry `label`.

    Attributes:
        cycles: the objective; less is better.
        sram_bytes: peak of the fast memory that a program works in.
        flash_bytes: of its constants and commands.
        metrics: all else that the backend of the target's family counts, by the names of its metrics.
    """

    cycles: int
    sram_bytes: int
    flash_bytes: int
    metrics: dict[str, int]
    label: Label = "predicted"

    def __post_init__(self) -> None:
        numbers = (self.cycles, self.sram_bytes, self.flash_bytes, *self.metrics.values())
        # All at once, since every lookup makes figures; one by one only to say which is wrong.
        if set(map(type, numbers)) != {int} or min(numbers) < 0 or max(numbers) >= 2**63:
            for name, value in self.items():
                whole(f"Figures.{name}", value)
        one_of("Figures.label", self.label, LABELS)
        # One order, whoever made them: equal figures are written alike.
        object.__setattr__(self, "metrics", {name: self.metrics[name] for name in sorted(self.metrics)})

    def __getitem__(self, metric: str) -> int:
        """The value of a metric; of `cycles`, `sram_bytes` and `flash_bytes` too. Raises KeyError."""
        return getattr(self, metric) if metric in FIGURE_NAMES else self.metrics[metric]

    def get(self, metric: str) -> int | None:
        """The same; None of one that it does not have."""
        if metric not in self:
            return None
        return self[metric]

    def __contains__(self, metric: str) -> bool:
        return metric in FIGURE_NAMES or metric in self.metrics

    def items(self) -> Iterator[tuple[str, int]]:
        """All numbers by name."""
        yield from ((name, getattr(self, name)) for name in FIGURE_NAMES)
        yield from self.metrics.items()

    def __hash__(self) -> int:
        return hash((tuple(sorted(self.items())), self.label))


FIGURE_NAMES = ("cycles", "sram_bytes", "flash_bytes")
"""What every family has."""


@dataclass(frozen=True)
class Bound(Record):
    """What no lowering of a model can go below on the NPU; host work comes on top.

    Attributes:
        macs: multiplications of its convolutions and matrix products.
        mac_cycles: of these, with all multipliers busy.
        moved_bytes: inputs and results of its delegates.
        move_cycles: of these, at full bandwidth.
        constant_bytes_per_cycle: full bandwidth of the memory that weights and commands are in.
    """

    macs: int
    mac_cycles: int
    moved_bytes: int
    move_cycles: int
    constant_bytes_per_cycle: float
    label: Label = "predicted"

    @property
    def cycles(self) -> int:
        """Both at the same time."""
        return max(self.mac_cycles, self.move_cycles)

    def constant_cycles(self, figures: Figures) -> int:
        """Of reading a program's own weights and commands once; another lowering may have fewer."""
        return math.ceil(figures.flash_bytes / self.constant_bytes_per_cycle)


@dataclass(frozen=True)
class Reuse(Record):
    """How much of what one run of a search asked for was known.

    It may come from this run, from earlier ones, or from other models.

    Attributes:
        evaluations: candidates of this run.
        duplicates: those whose program an earlier candidate of this run already had.
        prices, checks, expansions: how many graphs of delegates were to be compiled, compared with the default, or
            expanded.
        known_prices, known_checks, known_expansions: those among them whose answer was remembered.
    """

    evaluations: int
    duplicates: int
    prices: int
    known_prices: int
    checks: int
    known_checks: int
    expansions: int
    known_expansions: int


@dataclass(frozen=True)
class OperatorRow(Record):
    """One row of a per-operator table; its cycles carry the label of the evaluation's figures.

    Attributes:
        delegate: index of the delegate that the operator is in.
        name: name of the operator in the graph; rows of two evaluations are compared by it.
        source_op: operator kind in the program that is compiled (`CONV2D`, `TRANSPOSE`, ...).
        target_op: what the target runs for it.
        cycles: predicted, of what the target runs for the row.
        compiler_cycles: the compiler's own estimate for the row; 0 where it has none.
    """

    delegate: int
    name: str
    source_op: str
    target_op: str
    cycles: int
    compiler_cycles: int

    def __post_init__(self) -> None:
        whole("OperatorRow.delegate", self.delegate)
        whole("OperatorRow.cycles", self.cycles)
        whole("OperatorRow.compiler_cycles", self.compiler_cycles)


@dataclass(frozen=True)
class Quality(Record):
    """How near a candidate's outputs are to the float model's, on calibration inputs, beside the default lowering's.

    Attributes:
        sqnr_db, default_sqnr_db: signal-to-quantisation-noise ratio of the worst output, from the model's inputs on.
        inputs: how many calibration inputs were run.
        metric, default_metric: the user's own measure, if there is one; more is better.
        shortfall: why the candidate may not be offered; empty if it is within the objective's limit.
        label: `measured` where a runner of the user's gave the outputs on a device, `simulated` otherwise.
        default_label: of the default lowering's numbers; they are simulated where it is wrong on the runner.
        runner: the user's command that gave the outputs; empty where the program was run in Python.
    """

    sqnr_db: float
    default_sqnr_db: float
    inputs: int
    metric: float | None = None
    default_metric: float | None = None
    shortfall: str = ""
    label: Label = "simulated"
    default_label: Label = "simulated"
    runner: str = ""

    def __post_init__(self) -> None:
        whole("Quality.inputs", self.inputs)
        one_of("Quality.label", self.label, LABELS)
        one_of("Quality.default_label", self.default_label, LABELS)

    def __str__(self) -> str:
        differs = f", {self.default_label}" if self.default_label != self.label else ""
        of = f"{self.sqnr_db:.2f} dB SQNR (default {self.default_sqnr_db:.2f}{differs})"
        if self.metric is not None and self.default_metric is not None:
            of += f", metric {self.metric:g} (default {self.default_metric:g})"
        return f"{of} against the model in PyTorch on {self.inputs} calibration inputs, {self.origin}"

    @property
    def origin(self) -> str:
        """The label and, if there is one, the runner."""
        return f"{self.label} by {self.runner}" if self.runner else self.label
