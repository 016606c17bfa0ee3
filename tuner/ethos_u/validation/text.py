"""Evidence as tables for people: every row, then the summary."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from tabulate import tabulate

from tuner.ethos_u.validation.summary import SUBJECTS, OrderLine, Summary, SummaryLine, grouped
from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.error_statistics import NEAR_PERCENT, SHORT_LAUNCH_CYCLES, LaunchErrors, PairErrors

_Cells = tuple[str, ...]
_ROW_HEADINGS = ("counted", "predicted", "error", "Vela", "Vela's error", "")
SUMMARY_HEADINGS = (
    "family", "rows of", "kind", "rows", "mean", "worst", "sure", "ratio", "Vela's mean", "Vela's worst",
)  # fmt: skip
ORDER_HEADINGS = ("family", "pairs of", "pairs", "tau", "pairs with Vela's", "tau", "Vela's tau")
#: Columns of words; all others hold numbers.
WORDS = ("family", "rows of", "kind", "pairs of", "")


def row_tables(rows: Sequence[Comparison]) -> Iterator[str]:
    """Every row, by family, subject and kind of operator."""
    for family, subject, kind, some in grouped(rows):
        yield f"{family}, {SUBJECTS[subject]}{f', {kind}' if kind else ''}:"
        yield from columns([_ROW_HEADINGS, *map(_row_cells, some)])
        yield ""


def summary_tables(summary: Summary) -> Iterator[str]:
    """Means and worst errors by family and kind of operator, then how pairs are ordered."""
    yield f"errors in percent of what was counted, launches up to {SHORT_LAUNCH_CYCLES:,} cycles left out;"
    yield "sure: the mean without what the steps of the counters can explain:"
    yield from columns([SUMMARY_HEADINGS, *map(summary_cells, summary.lines)])
    yield ""
    yield "order of pairs of one model or kind of operator:"
    yield from columns([ORDER_HEADINGS, *map(order_cells, summary.order)])
    yield ""
    yield from total_lines(summary)


def total_lines(summary: Summary) -> Iterator[str]:
    """The numbers over all families, in sentences."""
    if summary.launches is not None:
        yield _launch_line("Launches", summary.launches)
        if summary.vela_launches is not None:
            yield _launch_line("By Vela's estimate, launches", summary.vela_launches)
        if summary.least_launches is not None:
            yield (
                f"Counters could have shown {summary.launches.possible_percent:.0f} % of these predictions. "
                f"Predictions to the cycle would have a median error of {summary.least_launches.median:.1f} %, and "
                f"{summary.least_launches.near_percent:.0f} % within {NEAR_PERCENT:g} %."
            )
    if summary.streams_order is not None:
        yield f"Kendall's tau over {summary.streams_order.pairs} pairs of streams: {summary.streams_order.tau:.3f}."
    beside, vela = summary.streams_order_beside, summary.streams_order_vela
    if beside is not None and vela is not None:
        yield f"Over the {vela.pairs} of them that Vela has estimates for: {beside.tau:.3f}, Vela's {vela.tau:.3f}."


def summary_cells(line: SummaryLine) -> _Cells:
    """One line of the summary, as `SUMMARY_HEADINGS` names its cells."""
    model, vela = line.model, line.vela
    return (
        line.family, SUBJECTS[line.subject], line.kind, str(model.rows), f"{model.mean:.1f}", f"{model.worst:.1f}",
        f"{model.sure_mean:.1f}", f"{model.ratio:.3f}", f"{vela.mean:.1f}" if vela else "",
        f"{vela.worst:.1f}" if vela else "",
    )  # fmt: skip


def order_cells(line: OrderLine) -> _Cells:
    """One line about pairs, as `ORDER_HEADINGS` names its cells."""
    beside: _Cells = ("", "", "")
    if line.vela is not None and line.model_beside is not None:
        beside = str(line.vela.pairs), _tau(line.model_beside), _tau(line.vela)
    return line.family, SUBJECTS[line.subject], str(line.model.pairs), _tau(line.model), *beside


def columns(lines: Sequence[_Cells], words: Collection[str] = WORDS) -> Iterator[str]:
    """Headings and lines with their cells one below another; numbers end at the same column.

    Args:
        lines: the headings, then the lines, all of the same number of cells.
        words: headings of columns that hold words.

    Yields:
        One line of text for each.
    """
    sides = ["left" if heading in words else "right" for heading in lines[0]]
    yield from tabulate(lines, tablefmt="plain", colalign=sides, disable_numparse=True).splitlines()


def skipped_lines(skipped: Iterable[tuple[str, int]]) -> Iterator[str]:
    """What was left out, one line for each reason."""
    for reason, count in skipped:
        yield f"left out: {count} {reason}"


def _row_cells(row: Comparison) -> _Cells:
    vela_error = row.vela_error_percent
    where = " ".join(filter(None, (row.model, f"on {row.accelerator}", row.condition)))
    return (
        f"{row.counted_cycles:,.0f}", f"{row.predicted_cycles:,.0f}", f"{row.error_percent:+.1f} %",
        "" if row.vela_cycles is None else f"{row.vela_cycles:,.0f}",
        "" if vela_error is None else f"{vela_error:+.1f} %", f"{row.label}: {where}",
    )  # fmt: skip


def _launch_line(what: str, errors: LaunchErrors) -> str:
    return (
        f"{what} above {SHORT_LAUNCH_CYCLES:,} cycles: {errors.rows}, median error {errors.median:.1f} %, "
        f"{errors.near_percent:.0f} % within {NEAR_PERCENT:g} %."
    )


def _tau(errors: PairErrors) -> str:
    return f"{errors.tau:.3f}"
