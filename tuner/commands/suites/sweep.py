"""`velatune sweep`"""

from __future__ import annotations

import contextlib
import math
import sys
from pathlib import Path

import click

from results.store.store import Store
from tuner.commands.options import json_option
from tuner.commands.suites.run_suite import run_suite
from tuner.nightly.suite_file import read_suite
from tuner.paths import cache_folder


@click.command()
@click.argument("suite_file", metavar="SUITE.toml", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--address", metavar="RAY", required=True, help="of a running Ray cluster: auto, or host:port of its head"
)
@click.option(
    "--slots", type=click.IntRange(1), help="worker processes; more than there is room for wait  [default: its cores]"
)
@json_option
def sweep(suite_file: Path, address: str, slots: int | None, as_json: bool) -> None:
    """Search every model on every target of SUITE.toml on a Ray cluster, until no search gains any more.

    Slots move to the searches that still gain. Workers and nodes may come and go; what was lost with them is evaluated
    again. The same command goes on where a driver was stopped. See docs/sweep.md.

    Exit status as of `velatune nightly`.
    """
    # What gained no more when it was searched stays as it is, however long ago that was.
    suite = read_suite(suite_file).model_copy(update={"fresh_days": math.inf})
    with contextlib.chdir(suite_file.absolute().parent), Store.open(suite.store) as store:
        sys.exit(run_suite(suite, suite.jobs(cache_folder()), slots, address, store, as_json))
