"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator


def row(*cells: str, header: bool = False) -> Iterator[str]:
    """The line of a table; of the header, also the line under it."""
    escaped = (cell.replace("|", "\\|") for cell in cells)
    yield f"| {' | '.join(escaped)} |"
    if header:
        yield f"|{'---|' * len(cells)}"


def change(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"
