"""`velatune nightly`"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from results.store.store import Store
from tuner.commands.options import json_option
from tuner.commands.suites.run_suite import run_suite
from tuner.nightly.job_notes import accept as accept_night
from tuner.nightly.job_notes import release
from tuner.nightly.suite_file import read_suite
from tuner.paths import cache_folder


@click.command()
@click.argument("suite_file", metavar="SUITE.toml", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--jobs", type=click.IntRange(1), help="worker processes  [default: cores of machine or cluster]")
@click.option("--address", metavar="RAY", help="join a running Ray cluster instead of starting one")
@click.option("--retry", is_flag=True, help="take up again what is in quarantine")
@click.option("--accept", is_flag=True, help="run nothing; compare later nights with what the last one found")
@json_option
def nightly(suite_file: Path, jobs: int | None, address: str | None, retry: bool, accept: bool, as_json: bool) -> None:
    """Keep the bests of the models and targets in SUITE.toml up to date, and say what became worse.

    What is fresh is skipped. Where the toolchain changed, the old best recipe is tried again. The budget goes to where
    gain is likely. An interrupted night is resumed. See docs/nightly.md.

    Exit status: 0, or 1 for a regression beyond the limits, 2 for a bad suite file, 3 for failure.
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
        sys.exit(run_suite(suite, work, jobs, address, store, as_json))
