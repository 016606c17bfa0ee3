"""Fits the parameters of stream cycles to measurements: `python -m benchmarks.fit_cycles --data FOLDER`.

Prints how far predictions are off with the parameters that velatune has, and how far off they are on the rows of each
model with parameters that were fitted without that model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from itertools import combinations
from math import log
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory

import click
from scipy.optimize import minimize_scalar

from benchmarks.markdown import row as line
from benchmarks.measured_rows import STEP_CYCLES, MeasuredRow, Measurements
from workers.stream_cost.fitted import FITTED, Fitted

#: Where each parameter is looked for.
BOUNDS = {
    "in_flight": (0.5, 1.0),
    "reads": (4.0, 24.0),
    "sweep_cycles": (0.0, 3.0),
    "block_cycles": (0.0, 60.0),
    "chain_cycles": (0.0, 300.0),
    "start_cycles": (0.0, 1500.0),
}
_SWEEPS = 1  # over all parameters, one after the other
_EVALUATIONS = 8  # for each parameter
_COMPARED_LAUNCH_CYCLES = 3000

Predict = Callable[[Sequence[MeasuredRow], Fitted], Sequence[float]]


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--leave-out/--no-leave-out", default=True, help="also fit without each model; takes minutes")
@click.option("--rows/--no-rows", "every", default=True, help="print every row")
def fit_cycles(data: Path, leave_out: bool, every: bool) -> None:
    """Print, as Markdown, parameters and errors."""
    with TemporaryDirectory() as scratch:
        measurements = Measurements(data, Path(scratch))
        rows = measurements.rows()
        whole = [one for one in rows if not one.launch]
        kept = measurements.predicted(rows, FITTED)
        told: dict[MeasuredRow, float] = dict(zip(rows, kept, strict=True))
        fits = {"all": fitted(rows, measurements.predicted)}
        unseen: dict[MeasuredRow, float] = {}
        for model in sorted({one.model for one in rows}) if leave_out else ():
            without = fitted([one for one in rows if one.model != model], measurements.predicted)
            fits[f"all but {model}"] = without
            own = [one for one in rows if one.model == model]
            unseen |= dict(zip(own, measurements.predicted(own, without), strict=True))
    _parameters(fits)
    _groups(rows, told, unseen)
    _launches(rows, told, unseen)
    _order(whole, told)
    if every:
        _every(rows, told, unseen)


def fitted(rows: Sequence[MeasuredRow], predict: Predict) -> Fitted:
    """Parameters that make `loss` of the rows small, found one after the other within `BOUNDS`, from those kept."""
    found = FITTED
    for _ in range(_SWEEPS):
        for name, bounds in BOUNDS.items():

            def at(value: float, name: str = name, start: Fitted = found) -> float:
                return loss(rows, predict(rows, replace(start, **{name: value})))

            best = minimize_scalar(at, bounds=bounds, method="bounded", options={"maxiter": _EVALUATIONS})
            if best.fun < loss(rows, predict(rows, found)):
                found = replace(found, **{name: float(best.x)})
    return found


def loss(rows: Sequence[MeasuredRow], predicted: Sequence[float]) -> float:
    """Mean over groups of the mean |log(predicted / measured)|: a group of many rows weighs no more than one of few."""
    groups: dict[str, list[float]] = defaultdict(list)
    for one, cycles in zip(rows, predicted, strict=True):
        groups[one.group].append(abs(log(cycles / one.cycles)))
    return fmean(fmean(errors) for errors in groups.values())


def _parameters(fits: dict[str, Fitted]) -> None:
    names = [field.name for field in fields(Fitted)]
    _print(["fitted on", *names], [["kept", *_values(FITTED)], *([on, *_values(one)] for on, one in fits.items())])


def _values(one: Fitted) -> list[str]:
    return [f"{getattr(one, field.name):.3g}" for field in fields(Fitted)]


def _groups(rows: Sequence[MeasuredRow], told: dict[MeasuredRow, float], unseen: dict[MeasuredRow, float]) -> None:
    groups: dict[str, list[MeasuredRow]] = defaultdict(list)
    for one in rows:
        if not one.launch:
            groups[one.group].append(one)
            if one.group.startswith("whole models, ethos"):
                groups["whole models, all"].append(one)
    cells = []
    for group, members in groups.items():
        errors = [_error(one, told[one]) for one in members]
        left = [_error(one, unseen[one]) for one in members if one in unseen]
        cells.append([group, str(len(members)), _percent(fmean(errors)), _percent(max(errors)),
                      _percent(fmean(left)) if left else "", _percent(max(left)) if left else ""])  # fmt: skip
    _print(["rows", "number", "mean error", "worst", "mean error, model left out", "worst, model left out"], cells)


def _launches(rows: Sequence[MeasuredRow], told: dict[MeasuredRow, float], unseen: dict[MeasuredRow, float]) -> None:
    """Of launches above 3,000 cycles, whose counters advance in steps of 1,000: errors, and what of them is beyond
    half a step at both ends."""
    long = [one for one in rows if one.launch and one.cycles > _COMPARED_LAUNCH_CYCLES]
    cells = []
    for name, predicted in (("kept", told), ("model left out", unseen)):
        known = [one for one in long if one in predicted]
        if known:
            errors = [_error(one, predicted[one]) for one in known]
            beyond = [max(0.0, abs(predicted[one] - one.cycles) - STEP_CYCLES / 2) / one.cycles for one in known]
            cells.append([name, str(len(known)), _percent(median(errors)), _percent(_within(errors, 0.15)),
                          _percent(_within(beyond, 0.15))])  # fmt: skip
    _print(["launches", "number", "median error", "within 15 %", "within 15 % and half a step"], cells)


def _order(rows: Iterable[MeasuredRow], told: dict[MeasuredRow, float]) -> None:
    """Kendall's tau of predicted against measured order, over pairs of streams of one group for one accelerator."""
    groups: dict[tuple[str, str], list[MeasuredRow]] = defaultdict(list)
    for one in rows:
        if not one.group.startswith("sweeps"):
            groups[one.group, one.target.accelerator].append(one)
    right = wrong = 0
    for members in groups.values():
        for one, other in combinations(members, 2):
            if abs(one.cycles - other.cycles) >= STEP_CYCLES:
                order = (told[one] - told[other]) * (one.cycles - other.cycles)
                right, wrong = right + (order > 0), wrong + (order < 0)
    click.echo(
        f"\nKendall's tau over {right + wrong} pairs of rows of one group: {(right - wrong) / (right + wrong):.3f}"
    )


def _every(rows: Sequence[MeasuredRow], told: dict[MeasuredRow, float], unseen: dict[MeasuredRow, float]) -> None:
    cells = [
        [one.name, f"{one.cycles:,.0f}", f"{told[one]:,.0f}", f"{told[one] / one.cycles:.3f}",
         f"{unseen[one] / one.cycles:.3f}" if one in unseen else ""]
        for one in rows
    ]  # fmt: skip
    _print(["row", "measured", "predicted", "predicted / measured", "model left out"], cells)


def _error(one: MeasuredRow, predicted: float) -> float:
    return abs(predicted - one.cycles) / one.cycles


def _within(errors: Sequence[float], most: float) -> float:
    return sum(error <= most for error in errors) / len(errors)


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"


def _print(header: Sequence[str], cells: Iterable[Sequence[str]]) -> None:
    click.echo()
    for text in line(*header, header=True):
        click.echo(text)
    for one in cells:
        click.echo(next(iter(line(*one))))


if __name__ == "__main__":
    fit_cycles()
