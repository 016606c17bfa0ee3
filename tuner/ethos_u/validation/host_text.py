"""Evidence of the CPU's side as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tuner.ethos_u.validation.text import columns
from workers.ethos_u.cost.estimates.host_cost import PRICES
from workers.ethos_u.cost.evidence.host import HostComparison, host_errors

HOST_HEADINGS = ("host work", "kind", "rows", "mean", "worst")
#: Columns of words; all others hold numbers.
HOST_WORDS = ("host work", "kind")
_ROW_HEADINGS = ("counted", "predicted", "error", "")


def host_tables(rows: Sequence[HostComparison]) -> Iterator[str]:
    """Every row, then means and worst errors, then what has no evidence; nothing if there are no rows."""
    if not rows:
        return
    yield ""
    yield "work on the CPU:"
    yield from columns([_ROW_HEADINGS, *map(_row_cells, rows)])
    yield ""
    yield "errors of work on the CPU in percent of what was counted:"
    yield from columns([HOST_HEADINGS, *error_cells(rows)], HOST_WORDS)
    yield assumption_line()


def error_cells(rows: Sequence[HostComparison]) -> list[tuple[str, ...]]:
    """Lines of the summary, as `HOST_HEADINGS` names their cells."""
    return [(one.subject, one.kind, str(one.rows), f"{one.mean:.1f}", f"{one.worst:.1f}") for one in host_errors(rows)]


def assumption_line() -> str:
    """Which classes of operators have prices that nothing published stands for."""
    assumed = ", ".join(kind for kind, price in PRICES.items() if price.basis == "assumed")
    return f"Assumed, without evidence: {assumed}."


def _row_cells(row: HostComparison) -> tuple[str, ...]:
    digits = 1 if row.unit == "ms" else 0
    note = f" ({row.note})" if row.note else ""
    return (
        f"{row.counted:,.{digits}f}", f"{row.predicted:,.{digits}f}", f"{row.error_percent:+.1f} %",
        f"{row.label}, {row.unit}: {row.what}{note}",
    )  # fmt: skip
