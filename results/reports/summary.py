"""A run in short, as the Markdown tables that `velatune tune` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from results.records.best import Best
from results.records.clock import milliseconds
from results.records.compare import TargetMeans, changes, figures_of, gain_by, gain_of, means_of
from results.records.families import COMPILER_CYCLES, Metric, compiler_of, family_of, metrics_of, unit_of
from results.records.identity import Target
from results.records.measurement import Measurement
from results.reports.markdown import aligned, in_a_cell
from results.reports.pareto import Pareto, Point
from results.reports.prediction_error import WITHIN, PredictionError, error_for

_FIRST = ("model", "target", "default {unit}", "best {unit}", "error", "covered", "gain")
_LAST = ("evaluations", "distinct", "status")
_WORDS = {"model", "target", "status"}

_TIME = "best ms"


def markdown_table(
    bests: Iterable[Best], measurements: Sequence[Measurement] = (), clocks: Mapping[Target, float] | None = None
) -> str:
    """A run as a Markdown table, one line per model and target. Columns are padded to read well as text too.

    Cycles are the objective, in the label that the last line names; `error` is how far such predictions are off at
    most. `covered` is the part of the best's cycles on the NPU in kinds of operation that were measured. Where a target
    has several models, geometric means over them follow. For families whose costs have no ratio, `gain` has the changed
    facts; the cells before it are empty.

    Args:
        bests: of the run, in the order of the lines.
        measurements: the user's own, which say how far predictions are off.
        clocks: of boards, in Hz; where there are any, a column has the time of the best.

    Returns:
        The table, geometric means and the line of labels; it ends with a newline.
    """
    bests = list(bests)
    tabled = _tabled(bests)
    by_compiler = f"gain by {compiler_of(best.identity.target.family for best in bests)}"
    unit = unit_of(best.identity.target.family for best in bests)
    first = (heading.format(unit=unit) for heading in _FIRST)
    lines = [(*first, by_compiler, *(one.title for one in tabled), *_LAST)]
    lines += [_cells(best, measurements, tabled) for best in bests]
    if clocks:
        times = [_TIME, *(_milliseconds(best, clocks.get(best.identity.target)) for best in bests)]
        at = _FIRST.index("error")
        lines = [(*line[:at], time, *line[at:]) for line, time in zip(lines, times, strict=True)]
    parts = [aligned(lines, set(lines[0]) - _WORDS)]
    parts += _means([one for one in means_of(bests) if one.models > 1])
    labels = sorted({figures.label for best in bests for figures in figures_of(best)})
    if labels:
        parts.append(f"All {unit} are {' or '.join(labels)}.")
    return "\n\n".join(parts) + "\n"


def _tabled(bests: Sequence[Best]) -> list[Metric]:
    """The metrics that a line of the table has, each once."""
    found: dict[str, Metric] = {}
    for best in bests:
        for one in metrics_of(best.identity.target.family, figures_of(best)):
            if one.is_tabled:
                found.setdefault(one.name, one)
    return list(found.values())


def _means(means: Sequence[TargetMeans]) -> list[str]:
    """Words and a table of means; nothing of none."""
    titles = list(dict.fromkeys(title for one in means for title, _ in one.estimates))
    if not titles:
        return []
    headings = ("target", "models", *titles)
    lines = [headings]
    for mean in means:
        known = dict(mean.estimates)
        lines.append((mean.target, f"{mean.models}", *(f"{known[t]:.2f}x" if t in known else "" for t in titles)))
    words = "Geometric means of default/best, host work left out:"
    return [words, aligned(lines, set(headings) - {"target"})]


_BYTES_HEADINGS = ("SRAM bytes", "flash bytes")
_QUALITY_HEADINGS = ("SQNR dB", "within the limit")


def front_table(best: Best, pareto: Pareto) -> str:
    """A front of one model and target as a Markdown table with its heading.

    Args:
        best: the model and target that the front is of.
        pareto: the front.

    Returns:
        The heading and the table; it ends with a newline.
    """
    identity, (default, _) = best.identity, figures_of(best)
    unit = family_of(identity.target.family).unit
    of_quality = pareto.against == "quality"
    lines = [
        (
            f"{point.figures.cycles:,}",
            f"{point.figures.sram_bytes:,}",
            f"{point.figures.flash_bytes:,}",
            *((f"{point.value(pareto.against):.2f}", _may_be_offered(point)) if of_quality else ()),
            in_a_cell(point.recipe),
        )
        for point in pareto.front
    ]
    headings = (unit, *_BYTES_HEADINGS, *(_QUALITY_HEADINGS if of_quality else ()), "recipe")
    table = aligned([headings, *lines], {unit, *_BYTES_HEADINGS, _QUALITY_HEADINGS[0]})
    what = f"{identity.model_name} on {identity.target.name}: {unit} against {pareto.against} ({default.label})"
    return f"{what}\n\n{table}\n"


def _may_be_offered(point: Point) -> str:
    return "no" if point.quality is not None and point.quality.shortfall else "yes"


def _milliseconds(best: Best, clock_hz: float | None) -> str:
    return "" if clock_hz is None else milliseconds(figures_of(best)[1].cycles, clock_hz)


def _cells(best: Best, measurements: Sequence[Measurement], tabled: Sequence[Metric]) -> tuple[str, ...]:
    default, tuned = figures_of(best)
    gain, error = gain_of(best), error_for(best.identity, measurements, best.best.operators)
    within = [WITHIN] if error is not None and error.covers(gain) else []
    said = (
        f"{default.cycles:,}",
        f"{tuned.cycles:,}",
        "unknown" if error is None else error.short,
        _covered(best, error),
        f"{gain.percent:.1f} % ({gain.factor:.2f}x)",
    )
    family = best.identity.target.family
    if not family_of(family).has_ratio:
        said = ("", "", "", "", ", ".join(map(str, changes(family, default.metrics, tuned.metrics))) or "none")
    return (
        in_a_cell(best.identity.model_name),
        best.identity.target.name,
        *said,
        f"{gain_by(best, COMPILER_CYCLES).percent:.1f} %" if COMPILER_CYCLES in tuned else "",
        *(f"{default.get(one.name) or 0} → {tuned.get(one.name) or 0}" for one in tabled),
        f"{best.evaluations:,}",
        f"{best.distinct:,}",
        ", ".join([best.status, *within, *_reservations(best)]),
    )


def _covered(best: Best, error: PredictionError | None) -> str:
    """Empty where it is not known, or own measurements say more."""
    if error is None or error.origin == "own" or not best.best.operators:
        return ""
    return f"{100 - error.unmeasured_percent:.0f} %"


def _reservations(best: Best) -> list[str]:
    default = ["default is wrong"] if best.default_fault else []
    if not best.best.verified:
        return [*default, "not verified"]
    return default if best.best.bit_exact else [*default, f"{best.best.exactness}, {_decibels(best)}"]


def _decibels(best: Best) -> str:
    quality = best.best.quality
    assert quality is not None  # of what is verified and not exact
    return f"{quality.sqnr_db - quality.default_sqnr_db:+.2f} dB"
