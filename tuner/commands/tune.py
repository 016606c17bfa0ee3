"""`velatune tune`"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from results.errors import StoreError
from results.records.identity import Target as TargetRecord
from results.records.measurement import Measurement
from results.reports.bounds_table import distance_table
from results.reports.report import ReportExtras, report_name, write_index, write_report
from results.reports.summary import front_table, markdown_table
from results.reports.tune_json import tune_json
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.commands.options import (
    ABOVE_ZERO,
    board_options,
    json_option,
    model_options,
    objective_options,
    store_option,
)
from tuner.crash_report import unexpected
from tuner.deploy.board_options import BoardOptions
from tuner.paths import cache_folder, studies_folder
from tuner.search.samplers import SAMPLERS, SamplerName
from tuner.tuning.budget import Budget
from tuner.tuning.identity import target_record
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.session import Failure, tune_all
from tuner.tuning.tune import Tuned
from workers.backend.job import Job
from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout
from workers.pool.interrupts import run_interruptible


@click.command()
@click.argument("sources", metavar="MODEL...", nargs=-1, required=True)
@click.option(
    "--target",
    "targets",
    multiple=True,
    required=True,
    metavar="NAME",
    help="such as ethos-u55-128; may be repeated",
)
@board_options
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=200,
    help="candidates of the search per model and target; shortening the best takes at most half as many more, or 16",
)
@click.option(
    "--timeout",
    type=ABOVE_ZERO,
    metavar="SECONDS",
    help="of search per model and target, while workers are not busy with lowering other models",
)
@click.option(
    "--sampler",
    type=click.Choice(SAMPLERS),
    default="local-search",
    show_default=True,
    help="who proposes candidates: velatune's own search, the cheapest program first, or one of Optuna's",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="cores",
    help="worker processes",
)
@click.option("--address", metavar="RAY", help="join a running Ray cluster instead of starting one")
@objective_options
@model_options
@store_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="write reports here")
@click.option(
    "--pareto",
    is_flag=True,
    help="also print the Pareto fronts, with candidates over the limits: cycles against SRAM, and cycles against "
    "quality with --allow-requant or --allow-precision",
)
@json_option
def tune(
    sources: tuple[str, ...], targets: tuple[str, ...], board: BoardOptions, trials: int,
    timeout: float | None, sampler: SamplerName, jobs: int, address: str | None,
    seed: int, calibration_data: Path | None, io_layout: IoLayout | None, objective: Objective,
    store_url: str | None, out: Path | None, pareto: bool, as_json: bool,
) -> None:  # fmt: skip
    """Find the recipe with the fewest cycles for each MODEL on each target, and store it.

    MODEL is a built-in name (see `velatune models`), file.py:function, package.module:function, model.pt2 or
    model.tosa. A run that was stopped goes on where it was; a finished one is looked up.
    """
    work = [
        Job(
            source,
            board.target(name),
            cache_folder(),
            seed,
            calibration_data,
            io_layout,
            objective.allowance,
        )
        for name in dict.fromkeys(targets)
        for source in dict.fromkeys(sources)
    ]
    if out is not None:
        _make(out)
    progress = Progress(work)
    log_dir = cache_folder() / "logs"
    with Store.open(store_url) as store:
        outcomes = run_interruptible(
            tune_all(
                work, objective, Budget(trials, timeout), sampler=sampler, workers=jobs, address=address, store=store,
                studies=studies_folder(store.location), log_dir=log_dir, progress=progress,
            ),
            log_dir,
        )  # fmt: skip
        measurements = store.measurements.all()
    done = [outcome for outcome in outcomes if isinstance(outcome, Tuned)]
    bests = [one.best for one in done]
    clocks = _clocks(work)
    faults = _write_reports(done, out, pareto, measurements, clocks, log_dir) if out is not None and done else []
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
    if as_json:
        click.echo(json.dumps([_json(outcome, pareto, measurements) for outcome in outcomes], indent=2))
    elif bests:
        click.echo(markdown_table(bests, measurements, clocks))
        for one in done if pareto else ():
            for front in one.fronts:
                click.echo(front_table(one.best, front))
        click.echo(f"logs of the toolchain: {log_dir}", err=True)
    if faults or len(done) < len(outcomes):
        sys.exit(2)


def _clocks(work: Sequence[Job]) -> dict[TargetRecord, float]:
    """Of the boards that are somebody's, in Hz."""
    clocks = {target_record(job.target): job.target.clock_hz for job in work}
    return {target: clock for target, clock in clocks.items() if clock is not None}


def _json(outcome: Tuned | Failure, pareto: bool, measurements: Sequence[Measurement]) -> dict[str, Any]:
    if isinstance(outcome, Tuned):
        return tune_json(outcome.best, outcome.fronts if pareto else (), outcome.reuse, measurements)
    return {
        "model": outcome.job.source,
        "target": outcome.job.target.name,
        "status": "failed",
        "error": outcome.reason,
    }


def _make(out: Path) -> None:
    """Now, not after hours of search."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise ModelError(f"--out {out}: cannot be written to ({error.strerror})") from error


def _write_reports(
    done: list[Tuned], out: Path, pareto: bool, measurements: Sequence[Measurement],
    clocks: Mapping[TargetRecord, float], log_dir: Path,
) -> list[str]:  # fmt: skip
    """Write what can be written; why, in one line each, the rest cannot. A result is one without its page too."""
    faults = []

    def written(what: str, write: Callable[[], object]) -> None:
        try:
            write()
        except StoreError as error:
            faults.append(str(error))
        except Exception as error:
            faults.append(f"{what}: {unexpected(error, log_dir)}")

    for one in done:
        clock_hz = clocks.get(one.best.identity.target)
        write = partial(_write_report, one, out, pareto, measurements, clock_hz)
        written(f"the report of {one.best.identity.model_name}", write)
    bests = [one.best for one in done]
    written("the overview", lambda: write_index(bests, out / "index.html", measurements, clocks))
    table = markdown_table(bests, measurements, clocks)
    written("the table", lambda: (out / "table.md").write_text(table, encoding="utf-8"))
    bounds = distance_table((one.best, one.bound) for one in done if one.bound is not None)
    written("the table of bounds", lambda: (out / "bounds.md").write_text(bounds, encoding="utf-8"))
    if not faults:
        click.echo(f"reports: {out / 'index.html'}", err=True)
    return faults


def _write_report(
    one: Tuned, out: Path, pareto: bool, measurements: Sequence[Measurement], clock_hz: float | None
) -> None:
    laws = Recipe.parse(one.best.recipe).laws()
    beside = ReportExtras(
        explanations=laws,
        warnings=one.base.warnings,
        host_operators=one.base.cpu_operators,
        phantom=one.phantom,
        fronts=one.fronts if pareto else (),
        bound=one.bound,
        without=one.without,
        reuse=one.reuse,
        measurements=measurements,
        clock_hz=clock_hz,
    )
    write_report(one.best, out / report_name(one.best.identity), beside)
