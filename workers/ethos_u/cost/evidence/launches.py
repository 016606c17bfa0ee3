"""Rows of evidence that stand for some operations of a stream: what ran between two interrupts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from workers.errors import ModelError
from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.csv_rows import CsvRow, csv_rows
from workers.ethos_u.cost.evidence.pricing import NO_CYCLES, NO_STREAM, Pricer, Unpriced
from workers.ethos_u.cost.evidence.programs import FVP_STEP_CYCLES, label_of

_COLUMNS = (
    "model",
    "binding",
    "accelerator",
    "memory_mode",
    "unit",
    "op_types",
    "cycles_total",
    "stream",
    "operations",
)
#: A launch that waits: no operation of its own.
_WAIT = "KERNEL_WAIT"
_TAIL = Unpriced("launches whose counters also hold the end of the job")


def launches(path: Path, pricer: Pricer) -> Iterator[Comparison | Unpriced]:
    """Launches of a program in the order of its stream.

    The operations of a launch begin after the launch before it. They reach to the last one that `operations` names. So
    copies count where they are waited for.

    Args:
        path: of the table.
        pricer: prices the rows' streams.

    Yields:
        Comparisons, or why a row has none.

    Raises:
        ModelError: the table is damaged, or a row names operations that its stream does not have.
    """
    begun: dict[tuple[str, str], int] = {}
    for row in csv_rows(path, _COLUMNS):
        if not row.text("operations"):
            yield NO_STREAM
            continue
        stream = row.text("stream")
        priced = pricer.price(row, stream, row.text("price_system_config"))
        if priced is None:
            yield NO_STREAM
            continue
        run = row.text("binding"), stream
        first, last = begun.get(run, 0), _last(row)
        begun[run] = last + 1
        end = len(priced.operation_cycles)
        if not first <= last < end:
            raise ModelError(f"{row.place}: operations end at {last}, which is not from {first} to {end - 1}")
        if row.text("has_tail") == "1":
            yield _TAIL
            continue
        counted = row.cycles("cycles_active") or row.cycles("cycles_total")
        if counted is None:
            yield NO_CYCLES
            continue
        predicted = sum(priced.operation_cycles[first : last + 1])
        yield Comparison(
            subject="launch",
            model=row.name("model"),
            kind=_kind(row),
            condition=f"unit {row.name('unit')} of {row.text('binding')}".removesuffix(" of "),
            accelerator=row.name("accelerator").lower(),
            label=label_of(row, "simulated"),
            counted_cycles=counted,
            # The counters of a launch advance in steps, ACTIVE as well.
            step_cycles=FVP_STEP_CYCLES,
            predicted_cycles=predicted,
            vela_cycles=row.cycles("vela_cycles"),
            stream=f"{stream}[{row.text('operations')}]",
            memory=f"{row.text('price_system_config')} {row.text('memory_mode')}",
            clock_hz=priced.clock_hz,
            compiler=f"Vela {row.text('vela_version')}" if row.text("vela_version") else "",
            source=row.text("source"),
        )


def _last(row: CsvRow) -> int:
    found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", row.text("operations"))
    if found is None:
        raise ModelError(f"{row.place}: operations must be such as 3-5, not '{row.text('operations')[:40]}'")
    return int(found[2] or found[1])


def _kind(row: CsvRow) -> str:
    return " + ".join(sorted({kind for kind in row.text("op_types").split() if kind != _WAIT})) or "other"
