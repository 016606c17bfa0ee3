"""What a sweep over very many models would take: an extrapolation from a sample of them.

    python -m benchmarks.cluster.scale SUITE.toml [--models 10000 --targets 10 --cores 1000] [--lower-seconds 30] ...

Goes over a suite three times, as `velatune nightly` does, with a cache that is new. The first time, one candidate for
each search is enough. Models are lowered then, and the driver imports what it needs. The second time it is all of the
suite, with another store. The third time nothing is left to do. So the difference of the driver's processor time
between those two is the cost of evaluations. It is for dispatch, search and store. The evaluations of a study, their
seconds and bytes are means over the store; the rest are options. See docs/scale.md.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import tempfile
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import ray
from sqlalchemy import func, select

from results.store.database.connect import connect, store_url
from results.store.database.tables import bests, evaluations
from results.store.store import Store
from tuner.commands.suites.run_suite import run_suite
from tuner.nightly.suite_file import Suite, read_suite


def driver_milliseconds(suite: Suite, folder: Path) -> float:
    """Processor time of the driver for each evaluation that a night makes.

    Args:
        folder: for store and cache.
    """
    # A night joins the Ray that is there; the second one would start none, and the start is no part of an evaluation.
    ray.init(address="local", num_cpus=os.cpu_count(), include_dashboard=False, log_to_driver=False)
    short = suite.model_copy(update={"budget": suite.budget.model_copy(update={"per_job": 1})})
    _processor_seconds(short, folder, folder / "short.sqlite")
    searching, idle = (_processor_seconds(suite, folder, folder / "store.sqlite") for _ in range(2))
    ray.shutdown()
    with Store.open(folder / "store.sqlite") as store:
        made = sum(store.evaluations.counts(best.identity.key)[0] for best in store.bests.all())
    return 1000 * (searching - idle) / made


def _processor_seconds(suite: Suite, folder: Path, where: Path) -> float:
    before = _used()
    with Store.open(where) as store, contextlib.redirect_stdout(io.StringIO()):
        run_suite(suite, suite.jobs(folder / "cache"), os.cpu_count(), None, store, False)
    return _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Known:
    """Means over a store.

    Attributes:
        store_bytes: of all that is kept, by evaluation.
    """

    evaluations: float
    seconds: float
    store_bytes: float

    @staticmethod
    def of(store: Path) -> Known:
        engine = connect(store_url(store), read_only=True)
        with engine.connect() as connection:
            studies = connection.execute(select(func.count()).select_from(bests)).scalar_one()
            made = select(func.count(), func.coalesce(func.sum(evaluations.c.seconds), 0)).select_from(evaluations)
            count, seconds = connection.execute(made).one()
        engine.dispose()
        if not studies or not count:
            raise SystemExit(f"{store}: holds no search")
        return Known(count / studies, seconds / count, store.stat().st_size / count)


def arithmetic(known: Known, driver_ms: float, asked: argparse.Namespace) -> list[tuple[str, str, str]]:
    """Rows of what, how, how much."""
    studies = asked.models * asked.targets
    total = studies * known.evaluations
    evaluating = total * known.seconds
    lowering = asked.models * asked.profiles * asked.lower_seconds
    elapsed = (evaluating + lowering) / (asked.cores * asked.busy)
    rate = total / elapsed
    drivers = rate * driver_ms / 1000
    return [
        ("studies", f"{asked.models:,} models x {asked.targets} targets", f"{studies:,}"),
        ("evaluations", f"{studies:,} x {known.evaluations:.0f}", f"{total:,.0f}"),
        ("evaluating, core hours", f"{total:,.0f} x {known.seconds:.2f} s", f"{evaluating / 3600:,.0f}"),
        (
            "lowering, core hours",
            f"{asked.models:,} x {asked.profiles} TOSA profiles x {asked.lower_seconds:g} s",
            f"{lowering / 3600:,.0f}",
        ),
        ("elapsed, hours", f"both / ({asked.cores:,} cores x {asked.busy:.0%} busy)", f"{elapsed / 3600:,.1f}"),
        ("evaluations per second", "evaluations / elapsed", f"{rate:,.0f}"),
        ("drivers' cores busy", f"{rate:,.0f} per second x {driver_ms:.1f} ms", f"{drivers:.2f}"),
        ("drivers", "so many suites side by side, each at most 80 % busy", f"{ceil(drivers / 0.8):,}"),
        ("cores for one driver", f"0.8 x {known.seconds:.2f} s / {driver_ms:.1f} ms",
         f"{0.8 * known.seconds / (driver_ms / 1000):,.0f}"),
        ("store, GB", f"{total:,.0f} x {known.store_bytes:,.0f} bytes", f"{total * known.store_bytes / 1e9:,.1f}"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path)
    for name, default, what in (
        ("models", 10_000, "in the sweep"),
        ("targets", 10, "for each model"),
        ("cores", 1_000, "of the cluster, one slot each"),
        ("profiles", 2, "TOSA profiles among the targets: a model is lowered once for each"),
        ("lower-seconds", 30.0, "to lower a model"),
        ("busy", 0.9, "part of the slots' time that they evaluate"),
    ):
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{what}  [default: %(default)s]")
    asked = parser.parse_args()
    suite = read_suite(asked.suite).model_copy(update={"out": None})
    with contextlib.chdir(asked.suite.absolute().parent), tempfile.TemporaryDirectory() as folder:
        driver_ms = driver_milliseconds(suite, Path(folder))
        known = Known.of(Path(folder) / "store.sqlite")
    print("| what | how | |")  # noqa: T201
    print("| --- | --- | ---: |")  # noqa: T201
    for row in arithmetic(known, driver_ms, asked):
        print(f"| {' | '.join(row)} |")  # noqa: T201


if __name__ == "__main__":
    main()
