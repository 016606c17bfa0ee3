"""Copies of the evidence that ships, to be changed."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

from workers.ethos_u.cost.evidence import SHIPPED

Row = dict[str, str]


def copy_of_evidence(folder: Path, *tables: str) -> Path:
    """A copy with all streams, and only some tables if any are named."""
    copy = folder / "evidence"
    shutil.copytree(SHIPPED, copy)
    kept = {*tables, "streams.csv", "timing_adapter.csv"}
    for path in copy.glob("*.csv"):
        if tables and path.name not in kept:
            path.unlink()
    return copy


def rows_of(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def change(path: Path, changed: Callable[[Row], None], only: Callable[[Row], bool] = lambda row: True) -> None:
    """Change rows of a table in place."""
    rows = rows_of(path)
    for row in filter(only, rows):
        changed(row)
    write_rows(path, rows)
