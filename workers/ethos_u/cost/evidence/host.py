"""Evidence of what the CPU's side of an inference costs: calls of delegates, operators, and whole inferences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median_low
from typing import Literal

from workers.errors import ModelError, printable
from workers.ethos_u.cost.estimates.host_cost import (
    CALL_CYCLES,
    copy_instructions,
    host_cycles,
    kernel_cycles,
    kernel_instructions,
    kind_of,
)
from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.cost.evidence.comparison import Label
from workers.ethos_u.cost.evidence.csv_rows import CsvRow, csv_rows
from workers.ethos_u.cost.evidence.programs import label_of

HostSubject = Literal["delegate call", "operator", "inference"]

#: In the column `operator`: what EthosUBackend does with each input and output; `elements` are bytes.
_COPY = "memcpy"


@dataclass(frozen=True)
class HostComparison:
    """A number that was counted of the CPU's side, beside what is predicted for it.

    Attributes:
        subject: a call of a delegate, an operator's kernel, or a whole inference.
        kind: class of the operator (`workers.ethos_u.cost.estimates.host_cost.PRICES`), or `copy`; else empty.
        what: the operator and its size, or the model, for people.
        unit: of both numbers: `NPU cycles`, `cycles` of the CPU, `instructions`, or `ms`.
        label: `simulated` (for instructions: counted under QEMU) or `measured`.
        note: what people should know of the number; may be empty.
        source: where it was read.
    """

    subject: HostSubject
    kind: str
    what: str
    unit: str
    label: Label
    counted: float
    predicted: float
    note: str
    source: str

    @property
    def error_percent(self) -> float:
        """Of the prediction; below zero where it is too low."""
        return 100 * (self.predicted / self.counted - 1)


@dataclass(frozen=True)
class HostErrors:
    """Errors over some rows without their signs, in percent of what was counted.

    Attributes:
        subject, kind: of the rows, as in `HostComparison`.
    """

    subject: HostSubject
    kind: str
    rows: int
    mean: float
    worst: float


def host_comparisons(folder: Path) -> tuple[HostComparison, ...]:
    """The rows of an evidence folder that are of the CPU's side; none if it has none.

    Raises:
        ModelError: a table is damaged, or has rows that are none of its kind.
    """
    return (
        *_calls(folder / "board.csv"),
        *_operators(folder / "host_operators.csv"),
        *_inferences(folder / "host_inferences.csv"),
    )


def host_errors(rows: Iterable[HostComparison]) -> list[HostErrors]:
    """One line for each subject and kind, in the order of the rows."""
    grouped: dict[tuple[HostSubject, str], list[float]] = {}
    for row in rows:
        grouped.setdefault((row.subject, row.kind), []).append(abs(row.error_percent))
    return [
        HostErrors(subject, kind, len(errors), fmean(errors), max(errors))
        for (subject, kind), errors in grouped.items()
    ]


def _calls(path: Path) -> Iterator[HostComparison]:
    """Programs of one delegate on a board: the cycles for which the NPU was idle, the median of the boots."""
    boots: dict[tuple[str, str], list[CsvRow]] = {}
    for row in csv_rows(path, ["model", "accelerator"]):
        if row.text("board_idle"):
            boots.setdefault((row.name("model"), row.name("accelerator")), []).append(row)
    for (model, accelerator), rows in boots.items():
        counted = median_low(idle for row in rows if (idle := row.cycles("board_idle")) is not None)
        yield HostComparison(
            "delegate call", "", f"{model} on {accelerator}", "NPU cycles", label_of(rows[0], "measured"), counted,
            CALL_CYCLES, "", rows[0].text("source"),
        )  # fmt: skip


def _operators(path: Path) -> Iterator[HostComparison]:
    for row in csv_rows(path, ["operator", "calls", "elements", "macs", "unit", "counted"]):
        name, unit = row.name("operator"), row.name("unit")
        calls, elements, macs = _whole(row, "calls"), _whole(row, "elements"), _whole(row, "macs")
        counted = row.cycles("counted")
        if unit not in ("cycles", "instructions") or not calls or counted is None:
            raise ModelError(f"{row.place}: it must have calls, and a count of cycles or instructions")
        work = f"{macs:,} multiply-accumulates" if macs else f"{elements:,} {'bytes' if name == _COPY else 'elements'}"
        yield HostComparison(
            "operator", "copy" if name == _COPY else kind_of(name), f"{name} of {work}", unit,
            label_of(row, "simulated"), counted, _predicted(name, calls, elements, macs, unit), "",
            row.text("source"),
        )  # fmt: skip


def _predicted(name: str, calls: int, elements: int, macs: int, unit: str) -> float:
    """Of so many calls of a kernel that do this together."""
    if name == _COPY:
        return calls * copy_instructions(0) + copy_instructions(elements) - copy_instructions(0)
    kernel = kernel_cycles if unit == "cycles" else kernel_instructions
    entered = HostOperator(name, 0, 0, 0)
    return (calls - 1) * kernel(entered) + kernel(HostOperator(name, elements, elements, macs))


def _inferences(path: Path) -> Iterator[HostComparison]:
    """Whole inferences in milliseconds on the clock of the CPU and the NPU, which must be one."""
    columns = ["model", "accelerator", "operators", "copied_bytes", "npu_cycles", "clock_hz", "milliseconds"]
    for row in csv_rows(path, columns):
        npu, clock, counted = row.cycles("npu_cycles"), row.cycles("clock_hz"), row.cycles("milliseconds")
        if npu is None or clock is None or counted is None:
            raise ModelError(f"{row.place}: npu_cycles, clock_hz and milliseconds must not be empty")
        predicted = npu + host_cycles(_named_operators(row), [_sizes(row)])
        yield HostComparison(
            "inference", "", f"{row.name('model')} on {row.name('accelerator')}", "ms",
            label_of(row, "measured"), counted, 1000 * predicted / clock, row.text("note"), row.text("source"),
        )  # fmt: skip


def _named_operators(row: CsvRow) -> list[HostOperator]:
    """Of a cell such as `quantize_per_tensor 490; dequantize_per_tensor 12`: names and elements."""
    found = []
    for part in filter(None, row.text("operators").split(";")):
        name, _, text = part.strip().partition(" ")
        elements = _number(row, "operators", text)
        found.append(HostOperator(name, elements, elements))
    return found


def _sizes(row: CsvRow) -> Sequence[int]:
    return [_number(row, "copied_bytes", text) for text in row.text("copied_bytes").split()]


def _number(row: CsvRow, column: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ModelError(f"{row.place}: {column} has '{printable(text[:40])}', which is no number")
    return int(text)


def _whole(row: CsvRow, column: str) -> int:
    return _number(row, column, row.name(column))
