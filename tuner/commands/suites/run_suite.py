"""Runs a suite for `velatune nightly` and `velatune sweep`: searches, report, exit status."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from functools import partial

import click

from results.nightly.night import Night
from results.nightly.night_report import night_json, night_markdown, write_night
from results.store.store import Store
from tuner.nightly.night import run_night
from tuner.nightly.suite_file import Suite
from tuner.paths import cache_folder, studies_folder
from tuner.tuning.progress import Progress
from workers import tasks
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.pool.interrupts import run_interruptible
from workers.pool.local_pool import LocalPool
from workers.pool.ray_pool import Pool

_REGRESSED, _FAILED = 1, 3


def run_suite(
    suite: Suite, jobs: list[Job], workers: int | None, address: str | None, store: Store, as_json: bool
) -> int:
    """Go over a suite once, print and write what came of it.

    Args:
        suite: says where its report goes, if anywhere.
        jobs: of the suite.
        workers: processes to evaluate in; None for the cores of this machine, or of the cluster at `address`.
        address: of a running Ray cluster; None for one of its own.
        store: results are read from it and recorded in it.
        as_json: print JSON, not Markdown.

    Returns:
        The exit status: 0, or another one where the night has regressions or failures.

    Raises:
        StoreError, PoolFailed: as `tuner.nightly.night.run_night`, or the report cannot be written.
    """
    if workers is None and address is None:
        workers = os.cpu_count() or 1
    night = run_interruptible(_night(suite, jobs, workers, address, store), cache_folder() / "logs")
    click.echo(json.dumps(night_json(night), indent=2) if as_json else night_markdown(night))
    if suite.out is not None:
        click.echo(f"report: {write_night(night, suite.out)}", err=True)
    return _REGRESSED if night.regressions else _FAILED if night.of("failed") else 0


async def _night(suite: Suite, jobs: list[Job], workers: int | None, address: str | None, store: Store) -> Night:
    log_dir = cache_folder() / "logs"
    families = sorted({job.target.backend for job in jobs})
    warm_up = partial(tasks.warm_up_with, {one: backend_of(one).versions() for one in families})
    studies = studies_folder(store.location)
    pool = Pool(workers, log_dir, address=address, warm_up=warm_up)
    over = partial(run_night, store=store, studies=studies, log_dir=log_dir, progress=Progress(jobs))
    if address is None:
        return await over(suite, jobs, LocalPool(pool.jobs, log_dir, warm_up), pool)
    async with pool:  # a cluster is there anyway, and reads many models faster than its driver
        return await over(suite, jobs, nullcontext(pool), nullcontext(pool))
