"""Static HTML reports: one file each, readable offline, with nothing fetched from anywhere."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from results.errors import StoreError
from results.records.best import Best
from results.records.clock import time_at
from results.records.compare import Gain, changes, figures_of, gain_by, gain_of, means_of
from results.records.compare_operators import by_kind, contribution_of, pair_operators, transpose_share_of
from results.records.evaluation import Evaluation
from results.records.families import COMPILER_CYCLES, family_of, metrics_of, units_of
from results.records.figures import Bound, Reuse
from results.records.identity import Identity, Target, described
from results.records.measurement import Measurement
from results.records.recipe_text import elements
from results.reports.charts import legend, plot, stacks
from results.reports.estimates import differences, largest_rise_by_compiler
from results.reports.pareto import Pareto
from results.reports.prediction_error import WITHIN, error_for, shipped_error


def report_name(identity: Identity) -> str:
    """The file name under which `write_index` expects the report of an identity to lie beside it."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{identity.model_name} {identity.target.name}").strip("-")
    # The key tells apart what is spelled alike: two boards with one NPU, two files with one function name.
    return f"{words[:80]}-{identity.key[:8]}.html"


@dataclass(frozen=True)
class ReportExtras:
    """What a report says besides the two evaluations of a best; all of it can be unknown.

    Attributes:
        explanations: recipe element, as the recipe spells it (`fuse-transposes`, `conv1d=wrap-h`) -> one line why the
            outputs stay the same.
        warnings: what the run has to say about itself; the report adds what it sees in the figures.
        host_operators: names of the operators that the lowering leaves on the CPU.
        phantom: see `results.records.compare.phantom_of`.
        fronts: those that are to be shown.
        bound: what no lowering can go below.
        without: for each element of the recipe, in order, the evaluation of the recipe without it, or None.
        reuse: what the run that the report is on did not have to find out.
        measurements: the user's own, which say how far predictions are off.
        clock_hz: of the board's NPU, to tell cycles as time; None if it is nobody's board.
    """

    explanations: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    host_operators: Sequence[str] = ()
    phantom: Evaluation | None = None
    fronts: Sequence[Pareto] = ()
    bound: Bound | None = None
    without: Sequence[Evaluation | None] = ()
    reuse: Reuse | None = None
    measurements: Sequence[Measurement] = ()
    clock_hz: float | None = None


def write_report(best: Best, path: str | Path, beside: ReportExtras) -> Path:
    """Write the report on one model and target: default against best.

    Args:
        best: with the operators of both programs.
        path: of the page; missing folders are made.
        beside: what the page shows besides the best.

    Returns:
        The path.

    Raises:
        StoreError: the file cannot be written.
    """
    return write_file(Path(path), report_html(best, beside))


def report_html(best: Best, beside: ReportExtras) -> str:
    """The report as one page that needs nothing else to be read.

    Args:
        best: with the operators of both programs.
        beside: what the page shows besides the best.

    Returns:
        The HTML; style and script are in it.
    """
    return environment().get_template("report.html.j2").render(report_context(best, beside), layout="page.html.j2")


def report_context(best: Best, beside: ReportExtras) -> dict[str, Any]:
    """The variables of the report's template.

    Args:
        best: with the operators of both programs.
        beside: what the page shows besides the best.

    Returns:
        Values by name.
    """
    default, tuned = figures_of(best)
    gain, error = gain_of(best), error_for(best.identity, beside.measurements, best.best.operators)
    target = best.identity.target
    family = family_of(target.family)
    kinds = by_kind(best.default.operators, best.best.operators)
    brings_each = [contribution_of(best.best, one) for one in beside.without]
    return {
        "best": best,
        "default": default,
        "tuned": tuned,
        "gain": gain,
        "family": family,
        "changes": changes(target.family, default.metrics, tuned.metrics),
        "error": error,
        "clock_hz": beside.clock_hz,
        "within": WITHIN if error is not None and error.covers(gain) else "",
        "metrics": metrics_of(target.family, (default, tuned)),
        "device_cycles": [sum(row.cycles for row in one.operators) for one in (best.default, best.best)],
        "compiler": family.compiler,
        "unit": family.unit,
        "compiler_gain": _compiler_gain(best),
        "described": described,
        "share": transpose_share_of(best.default),
        "differences": differences(best.default.operators, family.estimate_reasons),
        "phantom": beside.phantom,
        "plots": [plot(best, pareto) for pareto in beside.fronts],
        "bound": beside.bound,
        "reuse": beside.reuse,
        "elements": [
            (element, beside.explanations.get(element, ""), brings)
            for element, brings in zip_longest(elements(best.recipe), brings_each)
        ],
        "warnings": [*beside.warnings, *_warnings(best)],
        "inputs": _inputs(best),
        "check": {
            name: value for name, value in best.best.check.items() if name not in ("inputs", "whole", "executed")
        },
        "host_operators": Counter(beside.host_operators).most_common(),
        "kinds": kinds,
        "stacks": stacks(kinds),
        "legend": legend(kinds),
        "pairs": pair_operators(best.default.operators, best.best.operators),
    }


def write_index(
    bests: Iterable[Best], path: str | Path, measurements: Sequence[Measurement] = (),
    clocks: Mapping[Target, float] | None = None,
) -> Path:  # fmt: skip
    """Write the overview of a run: models and targets, each linking to its `report_name` beside this file.

    Args:
        bests: one for each model and target of the run.
        path: of the page; missing folders are made.
        measurements: the user's own, which say how far predictions are off.
        clocks: of boards, in Hz, to tell cycles as time; None for none.

    Returns:
        The path.

    Raises:
        StoreError: the file cannot be written.
    """
    clocks = clocks or {}
    runs = sorted(bests, key=lambda best: (best.identity.model_name, best.identity.target.name))
    lines = []
    for best in runs:
        default, tuned = figures_of(best)
        gain, error = gain_of(best), error_for(best.identity, measurements, best.best.operators)
        within = WITHIN if error is not None and error.covers(gain) else ""
        clock_hz = clocks.get(best.identity.target)
        name = report_name(best.identity)
        lines.append((best, default, tuned, gain, error, within, _compiler_gain(best), name, clock_hz))
    page = environment().get_template("index.html.j2")
    html = page.render(
        lines=lines,
        means=means_of(runs),
        tabled={best.identity.key: _tabled(best) for best in runs},
        models=len({best.identity.model_hash for best in runs}),
        evaluations=sum(best.evaluations for best in runs),
        equal=sum(best.best.bit_exact for best in runs),
        measured=sum(best.best.verified and not best.best.bit_exact for best in runs),
        labels=sorted({tuned.label for _, _, tuned, *_ in lines}),
        units=units_of(best.identity.target.family for best in runs),
        versions=sorted({_versions(best.identity) for best in runs}),
    )
    return write_file(Path(path), html)


@cache
def environment() -> Environment:
    """For pages made of `templates/`."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates"), encoding="utf-8"),
        # Names come from users' models: everything is escaped, whatever a template is called.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = lambda number: f"{number:,}"
    made.filters["known"] = lambda number: "not known" if number is None else f"{number:,}"
    made.filters["signed"] = lambda number: f"{number:,}".replace("-", "\N{MINUS SIGN}")
    made.filters["change"] = _change
    made.filters["duration"] = _duration
    made.globals["shipped_error"] = shipped_error
    made.globals["time_at"] = time_at
    made.globals["family_of"] = family_of
    made.globals["within_error"] = WITHIN
    made.globals["gain_between"] = Gain
    made.globals["changes"] = changes
    return made


def _inputs(best: Best) -> list[Mapping[str, Any]]:
    """The check's inputs by kind; empty if it is not said in the way `Evaluation.check` asks for."""
    inputs = best.best.check.get("inputs")
    if not isinstance(inputs, list):
        return []
    return [one for one in inputs if isinstance(one, dict) and "kind" in one and type(one.get("count")) is int]


def _warnings(best: Best) -> list[str]:
    default, tuned = figures_of(best)
    found = []
    if best.default_fault:
        found.append(
            f"The default lowering computes wrong outputs, because Vela miscompiles it: {best.default_fault}. "
            "Gains are relative to its cycles all the same."
        )
    if not best.best.verified:
        found.append("The outputs of the best recipe were not checked.")
    for one in metrics_of(best.identity.target.family, (default, tuned)):
        was, now = default.get(one.name), tuned.get(one.name)
        if one.may_not_rise and was is not None and now is not None and now > was:
            found.append(f"The best recipe has more {one.title} than the default: {now:,}, not {was:,}.")
    if COMPILER_CYCLES in tuned and tuned[COMPILER_CYCLES] > default[COMPILER_CYCLES]:
        found.append(_rise_by_compiler(best))
    if tuned.sram_bytes > default.sram_bytes:
        found.append(
            f"The best recipe needs more SRAM than the default: {tuned.sram_bytes:,} bytes "
            f"instead of {default.sram_bytes:,}."
        )
    if best.status == "interrupted":
        found.append("The search was interrupted; `velatune tune` goes on where it stopped.")
    return found


def _rise_by_compiler(best: Best) -> str:
    (default, tuned), family = figures_of(best), family_of(best.identity.target.family)
    message = (
        f"By {family.compiler}'s own estimate the best recipe costs more than the default: "
        f"{tuned[COMPILER_CYCLES]:,} cycles instead of {default[COMPILER_CYCLES]:,}."
    )
    rise = largest_rise_by_compiler(best.default.operators, best.best.operators, family.estimate_reasons)
    return f"{message} {rise.target_op} takes {rise.cycles:,} more of them: {rise.why}." if rise else message


def _compiler_gain(best: Best) -> Gain | None:
    """The gain by the compiler's own estimate; None where it makes none."""
    return gain_by(best, COMPILER_CYCLES) if COMPILER_CYCLES in figures_of(best)[1] else None


def _tabled(best: Best) -> list[tuple[str, int, int]]:
    """Title, default and best of each metric that stands in a line of the overview."""
    default, tuned = figures_of(best)
    metrics = metrics_of(best.identity.target.family, (default, tuned))
    return [(one.title, default.get(one.name) or 0, tuned.get(one.name) or 0) for one in metrics if one.is_tabled]


def _versions(identity: Identity) -> tuple[tuple[str, str], ...]:
    return (*identity.versions.items(), ("search space", identity.search_space_version))


def _change(default: int, best: int) -> str:
    """A change as people read it: less or more, in percent where that can be said."""
    if default == best:
        return "±0"
    sign = "+" if best > default else "\N{MINUS SIGN}"
    if not default:
        return f"{sign}{abs(best - default):,}"
    return f"{sign}{abs(best - default) / default:.1%}".replace("%", "\N{NO-BREAK SPACE}%")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def write_file(path: Path, text: str) -> Path:
    """Write a file in one step: whoever opens it sees the old one or the new one, whole.

    Args:
        path: missing folders are made.
        text: written as UTF-8; what cannot be encoded is written as `?`.

    Returns:
        The path.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w",
            dir=path.parent,
            prefix=f".{path.name[:40]}",
            delete=False,
            encoding="utf-8",
            errors="replace",
        ) as file:
            file.write(text)
        # A temporary file is for its owner only; a report is as readable as any file of the user's.
        mask = os.umask(0)
        os.umask(mask)
        Path(file.name).chmod(0o666 & ~mask)
        return Path(file.name).replace(path)
    except OSError as error:
        raise StoreError(f"the report {path} cannot be written: {error.strerror}") from None
