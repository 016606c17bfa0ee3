"""Rows of evidence that stand for a whole command stream: a program, or a single operator compiled by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median_low

from workers.errors import ModelError, printable
from workers.evidence.comparison import Comparison, Label, Subject
from workers.evidence.csv_rows import CsvRow, csv_rows
from workers.evidence.pricing import NO_STREAM, Pricer, Unpriced

#: The total of an inference on the FVP advances in steps of so many cycles.
FVP_STEP_CYCLES = 1000

_PRICED_BY = ("accelerator", "memory_mode", "stream")
_WHOLE_MODEL = "whole model"


def totals(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Whole inferences on the FVP."""
    for row in csv_rows(path, ["model", "system_config", "fvp_total", *_PRICED_BY]):
        yield _compared(row, pricer, "program", "", "", *_counted_by_fvp(row))


def boards(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Whole inferences on a board: the median of its boots."""
    boots: dict[tuple[str, ...], list[CsvRow]] = {}
    for row in csv_rows(path, ["model", "system_config", "board_active", *_PRICED_BY]):
        key = tuple(row.text(column) for column in ("model", "accelerator", "system_config", "memory_mode", "stream"))
        boots.setdefault(key, []).append(row)
    for rows in boots.values():
        counted = median_low([_needed(row, "board_active") for row in rows])
        yield _compared(rows[0], pricer, "program", "", "on the board", counted, 1, label="measured")


def silicon(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Whole inferences on chips, and on simulators where `hardware` says FVP."""
    for row in csv_rows(path, ["model", "hardware", "system_config", "measured_cycles", *_PRICED_BY]):
        if not row.text("measured_cycles"):
            yield Unpriced("rows without a number of cycles")
            continue
        hardware = row.name("hardware")
        label: Label = "simulated" if "FVP" in hardware else "measured"
        yield _compared(
            row, pricer, "program", "", hardware, _needed(row, "measured_cycles"), 1, label=label, vela="vela_cycles"
        )


def transposes(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Programs of which transposes take most of the time; rows that only describe a stream are passed over."""
    for row in csv_rows(path, ["model", "row", "system_config", "fvp_total", *_PRICED_BY]):
        if row.text("row") == "total":
            counted = _needed(row, "fvp_total")
            yield _compared(row, pricer, "program", "", "", counted, 1, vela="vela_5_1_0_cycles")


def operators(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Single operators, and whole programs under other conditions."""
    for row in csv_rows(path, ["model", "op", "kernel", "condition", "system_config", "fvp_total", *_PRICED_BY]):
        counted, step_cycles = _counted_by_fvp(row)
        settings = dict(_setting(row, word) for word in row.text("ta_overrides").split())
        told = "" if row.text("condition") == "base" else row.text("condition")
        if row.text("op") == _WHOLE_MODEL:
            condition = ", ".join(filter(None, (row.text("memory_mode"), told)))
            yield _compared(row, pricer, "program", "", condition, counted, step_cycles, settings)
        else:
            kind = f"{row.name('op')} {row.text('kernel')}".strip()
            yield _compared(row, pricer, "operator", kind, told, counted, step_cycles, settings)


def sweeps(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Whole inferences while a setting of the timing adapter is varied."""
    for row in csv_rows(path, ["model", "fvp_total", *_PRICED_BY]):
        settings = row.beginning_with(("EXT_", "SRAM_"))
        condition = " ".join(f"{name}={value}" for name, value in settings.items())
        yield _compared(row, pricer, "sweep", "", condition, *_counted_by_fvp(row), settings)


def _compared(
    row: CsvRow,
    pricer: Pricer,
    subject: Subject,
    kind: str,
    condition: str,
    counted: float,
    step_cycles: int,
    settings: Mapping[str, str] | None = None,
    *,
    label: Label = "simulated",
    vela: str = "vela_cycles_total",
) -> Comparison | Unpriced:
    stream = row.text("stream")
    priced = pricer.price(row, stream, row.text("system_config"), settings)
    if priced is None:
        return NO_STREAM
    # Vela knows the memory by its configuration only, not by the adapter's settings of the row.
    estimate = None if settings else row.cycles(vela)
    return Comparison(
        subject, row.name("model"), kind, condition, row.name("accelerator").lower(), told_label(row, label), counted,
        step_cycles,
        priced.total_cycles, estimate, stream, priced.clock_hz, row.text("source"),
    )  # fmt: skip


def told_label(row: CsvRow, usual: Label) -> Label:
    """How a row was counted: by its column `label`, else as is usual in its table."""
    match row.text("label"):
        case "":
            return usual
        case "simulated" | "measured" as label:
            return label
        case other:
            raise ModelError(f"{row.place}: label is '{printable(other[:40])}', not simulated or measured")


def _counted_by_fvp(row: CsvRow) -> tuple[float, int]:
    """Cycles and the step that they are known to: ACTIVE where it was read, else the middle of the total's step."""
    active = row.cycles("fvp_active")
    if active is not None:
        return active, 1
    total = _needed(row, "fvp_total")
    return max(total - FVP_STEP_CYCLES / 2, 1.0), FVP_STEP_CYCLES


def _needed(row: CsvRow, column: str) -> float:
    counted = row.cycles(column)
    if counted is None:
        raise ModelError(f"{row.place}: the column '{column}' is empty")
    return counted


def _setting(row: CsvRow, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise ModelError(f"{row.place}: '{printable(word[:40])}' is no setting of a timing adapter")
    return name, value
