"""Reading the tables of an evidence folder. They are untrusted: every complaint names the file and the line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.errors import ModelError, one_line, printable

#: No number of cycles or bytes in a table may be larger.
_LARGEST = 2**53


@dataclass(frozen=True)
class CsvRow:
    """One row of a table.

    Attributes:
        place: file and line, for messages.
    """

    place: str
    _cells: dict[str, str]

    def text(self, column: str) -> str:
        """A cell without surrounding spaces; empty if the table has no such column."""
        return self._cells.get(column, "")

    def name(self, column: str) -> str:
        """A cell that must not be empty."""
        text = self.text(column)
        if not text:
            raise ModelError(f"{self.place}: the column '{column}' is empty")
        return text

    def beginning_with(self, prefixes: tuple[str, ...]) -> dict[str, str]:
        """The cells that are not empty of columns whose name begins so."""
        return {name: text for name, text in self._cells.items() if text and name.startswith(prefixes)}

    def number(self, column: str) -> float | None:
        """A cell that holds a number, not negative; None if it is empty."""
        text = self.text(column)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number < _LARGEST:
            raise ModelError(f"{self.place}: {column} is '{printable(text[:40])}', which is no number of its kind")
        return number

    def cycles(self, column: str) -> float | None:
        """A cell that holds a number of cycles; None if it is empty.

        Raises:
            ModelError: it is no positive number.
        """
        number = self.number(column)
        if number == 0:
            raise ModelError(f"{self.place}: {column} is 0, which no run takes")
        return number


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[CsvRow]:
    """The rows of a CSV file with a heading; none if there is no such file.

    Args:
        path: of the file, in UTF-8.
        columns: those that it must have; it may have more.

    Yields:
        Rows with their cells by column; spaces around cells are gone.

    Raises:
        ModelError: the file cannot be read, lacks a column, or has a row of the wrong length.
    """
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            heading = next(reader, [])
            missing = [column for column in columns if column not in heading]
            if missing:
                raise ModelError(f"{path}: has no column '{missing[0]}'")
            for cells in reader:
                place = f"{path}, line {reader.line_num}"
                if len(cells) != len(heading):
                    raise ModelError(f"{place}: has {len(cells)} cells, the heading has {len(heading)}")
                yield CsvRow(place, {name: cell.strip() for name, cell in zip(heading, cells, strict=True)})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({one_line(error)})") from error
