"""Tables in Markdown that read well as text too."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(lines: Sequence[tuple[str, ...]], right: Collection[str]) -> str:
    """Headings and lines as a padded Markdown table.

    Args:
        lines: the headings, then the lines, all of the same number of cells.
        right: headings of the columns that hold numbers.

    Returns:
        The table without a newline at its end.
    """
    headings = lines[0]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    ruler = tuple(
        "-" * (width - 1) + ":" if heading in right else "-" * width
        for heading, width in zip(headings, widths, strict=True)
    )
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if heading in right else cell.ljust(width)
            for cell, width, heading in zip(line, widths, headings, strict=True)
        )
        + " |"
        for line in (headings, ruler, *lines[1:])
    )


def in_a_cell(text: str) -> str:
    """Text that neither ends a cell nor a line."""
    return text.replace("|", r"\|").replace("\n", " ")
