"""Rows of evidence for a whole command stream: a program, or a single operator compiled by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

from workers.errors import ModelError, printable
from workers.ethos_u.cost.evidence.comparison import Comparison, Label, Subject
from workers.ethos_u.cost.evidence.csv_rows import CsvRow, csv_rows
from workers.ethos_u.cost.evidence.pricing import NO_CYCLES, NO_STREAM, Pricer, Unpriced

#: The total of an inference on the FVP advances in steps of so many cycles.
FVP_STEP_CYCLES = 1000

_PRICED_BY = ("accelerator", "memory_mode", "stream")
#: In the column `op`, of what is no single operator.
_WHOLE_MODEL = ("whole model", "")


@dataclass(frozen=True)
class _About:
    """What the table of a row says of it.

    Attributes:
        vela: the column with Vela's own estimate.
    """

    subject: Subject = "program"
    kind: str = ""
    condition: str = ""
    label: Label = "simulated"
    vela: str = "vela_cycles_total"


@dataclass(frozen=True)
class _Counted:
    """Cycles, and the step that they are known to; no cycles where the row has none."""

    cycles: float | None
    step_cycles: int = 1


def totals(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Whole inferences on the FVP.

    Args:
        path: of the table.
        pricer: prices the rows' streams.

    Yields:
        Comparisons, or why a row has none.
    """
    for row in csv_rows(path, ["model", "system_config", "fvp_total", *_PRICED_BY]):
        yield _compared(row, pricer, _About(), _counted_by_fvp(row))


def boards(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Whole inferences on a board: the median of its boots.

    Args:
        path: of the table.
        pricer: prices the rows' streams.

    Yields:
        Comparisons, or why a row has none.
    """
    boots: dict[tuple[str, ...], list[CsvRow]] = {}
    for row in csv_rows(path, ["model", "system_config", "board_active", *_PRICED_BY]):
        key = tuple(row.text(column) for column in ("model", "accelerator", "system_config", "memory_mode", "stream"))
        boots.setdefault(key, []).append(row)
    about = _About(condition="on the board", label="measured")
    for rows in boots.values():
        counted = [cycles for row in rows if (cycles := row.cycles("board_active")) is not None]
        yield _compared(rows[0], pricer, about, _Counted(median_low(counted) if counted else None))


def silicon(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Whole inferences on chips, and on simulators where `hardware` says FVP.

    Args:
        path: of the table.
        pricer: prices the rows' streams.

    Yields:
        Comparisons, or why a row has none.
    """
    for row in csv_rows(path, ["model", "hardware", "system_config", "measured_cycles", *_PRICED_BY]):
        hardware = row.text("hardware")
        label: Label = "simulated" if "FVP" in hardware else "measured"
        about = _About(condition=hardware, label=label, vela="vela_cycles")
        yield _compared(row, pricer, about, _Counted(row.cycles("measured_cycles")))


def transposes(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Programs of which transposes take most of the time; rows that only describe a stream are passed over.

    Args:
        path: of the table.
        pricer: prices the rows' streams.

    Yields:
        Comparisons, or why a row has none.
    """
    for row in csv_rows(path, ["model", "row", "system_config", "fvp_total", *_PRICED_BY]):
        if row.text("row") == "total":
            yield _compared(row, pricer, _About(vela="vela_5_1_0_cycles"), _Counted(row.cycles("fvp_total")))


def operators(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Single operators, and whole programs under other conditions.

    Args:
        path: of the table.
        pricer: prices the rows' streams.

    Yields:
        Comparisons, or why a row has none.
    """
    for row in csv_rows(path, ["model", "op", "kernel", "condition", "system_config", "fvp_total", *_PRICED_BY]):
        settings = dict(_setting(row, word) for word in row.text("ta_overrides").split())
        note = "" if row.text("condition") == "base" else row.text("condition")
        if row.text("op") in _WHOLE_MODEL:
            about = _About(condition=", ".join(filter(None, (row.text("memory_mode"), note))))
        else:
            about = _About("operator", f"{row.text('op')} {row.text('kernel')}".strip(), note)
        yield _compared(row, pricer, about, _counted_by_fvp(row), settings)


def sweeps(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Whole inferences while a setting of the timing adapter is varied.

    Args:
        path: of the table.
        pricer: prices the rows' streams.

    Yields:
        Comparisons, or why a row has none.
    """
    for row in csv_rows(path, ["model", "fvp_total", *_PRICED_BY]):
        settings = row.beginning_with(("EXT_", "SRAM_"))
        condition = " ".join(f"{name}={value}" for name, value in settings.items())
        yield _compared(row, pricer, _About("sweep", condition=condition), _counted_by_fvp(row), settings)


def _compared(
    row: CsvRow, pricer: Pricer, about: _About, counted: _Counted, settings: Mapping[str, str] | None = None
) -> Comparison | Unpriced:
    """settings: of the timing adapter, where the row changes them."""
    stream = row.text("stream")
    priced = pricer.price(row, stream, row.text("system_config"), settings)
    if priced is None:
        return NO_STREAM
    if counted.cycles is None:
        return NO_CYCLES
    return Comparison(
        subject=about.subject,
        model=row.name("model"),
        kind=about.kind,
        condition=about.condition,
        accelerator=row.name("accelerator").lower(),
        label=label_of(row, about.label),
        counted_cycles=counted.cycles,
        step_cycles=counted.step_cycles,
        predicted_cycles=priced.total_cycles,
        # Vela knows the memory by its configuration only, not by the adapter's settings of the row.
        vela_cycles=None if settings else row.cycles(about.vela),
        stream=stream,
        memory=f"{row.text('system_config')} {row.text('memory_mode')}".strip(),
        clock_hz=priced.clock_hz,
        compiler=f"Vela {row.text('vela_version')}" if row.text("vela_version") else "",
        source=row.text("source"),
    )


def label_of(row: CsvRow, usual: Label) -> Label:
    """How a row was counted: by its column `label`, else as is usual in its table.

    Args:
        row: of a table.
        usual: label of rows that say none.

    Returns:
        `simulated` or `measured`, or `usual`.

    Raises:
        ModelError: the column says something else.
    """
    match row.text("label"):
        case "":
            return usual
        case "simulated" | "measured" as label:
            return label
        case other:
            raise ModelError(f"{row.place}: label is '{printable(other[:40])}', not simulated or measured")


def _counted_by_fvp(row: CsvRow) -> _Counted:
    """ACTIVE where it was read, else the middle of the total's step."""
    active = row.cycles("fvp_active")
    if active is not None:
        return _Counted(active)
    total = row.cycles("fvp_total")
    if total is None:
        return _Counted(None)
    return _Counted(max(total - FVP_STEP_CYCLES / 2, 1.0), FVP_STEP_CYCLES)


def _setting(row: CsvRow, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise ModelError(f"{row.place}: '{printable(word[:40])}' is no setting of a timing adapter")
    return name, value
