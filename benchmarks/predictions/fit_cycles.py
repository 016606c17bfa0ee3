"""Fits the parameters of stream cycles to evidence: `python -m benchmarks.predictions.fit_cycles [--data FOLDER]`.

Prints how far predictions are off with the parameters that velatune has. It also prints each model's error with
parameters that were fitted without that model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from math import log
from pathlib import Path
from statistics import fmean, median

import click
from scipy.optimize import minimize_scalar

from benchmarks.markdown import row as line
from workers.ethos_u.cost.evidence import SHIPPED, read_evidence
from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.error_statistics import NEAR_PERCENT, long_enough
from workers.ethos_u.cost.stream_cost.hardware.fitted import FITTED, Fitted

#: Where each parameter is looked for.
BOUNDS = {
    "in_flight": (0.5, 1.0),
    "reads": (4.0, 24.0),
    "sweep_cycles": (0.0, 3.0),
    "block_cycles": (0.0, 60.0),
    "chain_cycles": (0.0, 300.0),
    "start_cycles": (0.0, 1500.0),
}
_EVALUATIONS = 8  # for each parameter


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), default=SHIPPED)
@click.option("--leave-out/--no-leave-out", default=True, help="also fit without each model; takes minutes")
def fit_cycles(data: Path, leave_out: bool) -> None:
    """Print, as Markdown, parameters and errors."""
    measured = read_evidence(data).comparisons
    models = sorted({model_of(row) for row in measured}) if leave_out else []
    fits = {"all": fitted(data), **{f"all but {model}": fitted(data, without=model) for model in models}}
    unseen: list[Comparison | None] = [None] * len(measured)
    for model in models:
        priced = read_evidence(data, fits[f"all but {model}"]).comparisons
        unseen = [new if model_of(new) == model else old for new, old in zip(priced, unseen, strict=True)]
    _parameters(fits)
    _groups(measured, [row for row in unseen if row is not None])
    _every(measured, unseen)


def model_of(row: Comparison) -> str:
    """What is left out together: the network, or the kind of a single operator."""
    return row.kind if row.subject == "operator" else row.model


def group_of(row: Comparison) -> str:
    """Rows whose errors are averaged."""
    if row.subject == "launch":
        return f"launches, {row.family}"
    if row.subject == "sweep":
        return f"memory settings varied, {row.accelerator}"
    if row.subject == "program":
        return f"whole programs, {row.family}"
    return f"{row.kind}, {row.condition or 'as set up'}"


def fitted(data: Path, without: str = "") -> Fitted:
    """Parameters that make the loss small on all rows but those of a model.

    Each is found after the ones before it.
    """
    found = FITTED
    for name, bounds in BOUNDS.items():

        def loss(value: float, name: str = name, start: Fitted = found) -> float:
            rows = read_evidence(data, replace(start, **{name: value})).comparisons
            return _loss(row for row in rows if model_of(row) != without)

        best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"maxiter": _EVALUATIONS})
        if best.fun < loss(getattr(found, name)):
            found = replace(found, **{name: float(best.x)})
    return found


def _loss(rows: Iterable[Comparison]) -> float:
    """Mean over groups of the mean |log(predicted / counted)|: a group of many rows weighs no more than one of few."""
    groups: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if long_enough(row):
            groups[group_of(row)].append(abs(log(row.predicted_cycles / row.counted_cycles)))
    return fmean(fmean(errors) for errors in groups.values())


def _parameters(fits: dict[str, Fitted]) -> None:
    names = [field.name for field in fields(Fitted)]
    _print(["fitted on", *names], [["kept", *_values(FITTED)], *([on, *_values(one)] for on, one in fits.items())])


def _values(one: Fitted) -> list[str]:
    return [f"{getattr(one, field.name):.3g}" for field in fields(Fitted)]


def _groups(measured: Iterable[Comparison], unseen: Iterable[Comparison]) -> None:
    both: list[dict[str, list[Comparison]]] = [defaultdict(list), defaultdict(list)]
    for found, rows in zip(both, (measured, unseen), strict=True):
        for row in rows:
            if long_enough(row):
                found[group_of(row)].append(row)
    cells = [
        [group, str(len(rows)), *_errors(rows), *_errors(both[1].get(group, []))]
        for group, rows in sorted(both[0].items())
    ]
    heads = ["mean error", "median", "worst", f"within {NEAR_PERCENT:.0f} %"]
    _print(["rows", "number", *heads, *(f"{head}, model left out" for head in heads)], cells)


def _errors(rows: Sequence[Comparison]) -> list[str]:
    if not rows:
        return [""] * 4
    errors = [abs(row.error_percent) for row in rows]
    near = 100 * sum(error <= NEAR_PERCENT for error in errors) / len(errors)
    return [f"{number:.1f} %" for number in (fmean(errors), median(errors), max(errors))] + [f"{near:.0f} %"]


def _every(measured: Sequence[Comparison], unseen: Sequence[Comparison | None]) -> None:
    cells = [
        [f"{row.model} {row.accelerator} {row.condition}", f"{row.counted_cycles:,.0f}", f"{row.error_percent:+.1f} %",
         f"{left.error_percent:+.1f} %" if left else ""]
        for row, left in zip(measured, unseen, strict=True)
    ]  # fmt: skip
    _print(["row", "counted cycles", "error", "error, model left out"], cells)


def _print(header: Sequence[str], cells: Iterable[Sequence[str]]) -> None:
    click.echo()
    for text in line(*header, header=True):
        click.echo(text)
    for one in cells:
        click.echo(next(iter(line(*one))))


if __name__ == "__main__":
    fit_cycles()
