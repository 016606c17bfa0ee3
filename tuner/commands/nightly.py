"""`velatune nightly`"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from functools import partial
from pathlib import Path

import click

from results.night import Night
from results.night_report import night_json, night_markdown, write_night
from results.store import Store
from tuner.commands.options import json_option
from tuner.nightly import accept as accept_night
from tuner.nightly import release, run_night
from tuner.paths import cache_folder, studies_folder
from tuner.progress import Progress
from tuner.suite_file import Suite, read_suite
from workers import tasks
from workers.base_program import toolchain_versions
from workers.pool import Pool
from workers.tasks import Job

REGRESSED, FAILED = 1, 3


@click.command()
@click.argument("suite_file", metavar="SUITE.toml", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--jobs", type=click.IntRange(1), default=lambda: os.cpu_count() or 1, show_default="cores", help="worker processes"
)
@click.option("--address", metavar="RAY", help="join a running Ray cluster instead of starting one")
@click.option("--retry", is_flag=True, help="take up again what is in quarantine")
@click.option("--accept", is_flag=True, help="run nothing: what the last night found is what the next ones are held to")
@json_option
def nightly(suite_file: Path, jobs: int, address: str | None, retry: bool, accept: bool, as_json: bool) -> None:
    """Keep the bests of the models and targets in SUITE.toml up to date, and say what became worse.

    What is fresh is skipped; where the toolchain changed, the old best recipe is tried again; the budget goes to where
    gain is likely. An interrupted night is gone on with. See docs/nightly.md.

    Exit status: 0, 1 for a regression beyond the suite's limits, 3 if something failed, 2 for a bad suite file.
    """
    suite = read_suite(suite_file)
    with contextlib.chdir(suite_file.absolute().parent), Store.open(suite.store) as store:
        work = suite.jobs(cache_folder())
        if accept:
            accepted = accept_night(suite, work, store)
            click.echo(f"accepted what {len(accepted)} of {len(work)} models and targets cost now")
            return
        if retry:
            release(suite, store)
        night = asyncio.run(_night(suite, work, jobs, address, store))
        page = write_night(night, suite.out) if suite.out is not None else None
    if as_json:
        click.echo(json.dumps(night_json(night), indent=2))
    else:
        click.echo(night_markdown(night))
    if page is not None:
        click.echo(f"report: {page}", err=True)
    sys.exit(REGRESSED if night.regressions else FAILED if night.of("failed") else 0)


async def _night(suite: Suite, work: list[Job], workers: int, address: str | None, store: Store) -> Night:
    log_dir = cache_folder() / "logs"
    warm_up = partial(tasks.warm_up_with, toolchain_versions())
    studies = studies_folder(store.location)
    # One search more than workers: while one waits for its slowest candidate, another has some to offer.
    async with Pool(workers, log_dir, address=address, warm_up=warm_up) as pool:
        return await run_night(suite, work, pool, workers + 1, store, studies, log_dir, Progress(work))
