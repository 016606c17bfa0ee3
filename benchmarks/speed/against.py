"""How fast searches and lookups are in this checkout and at another commit.

Both are measured alternately in one run.

    python -m benchmarks.speed.against 6f85dd0 --model mlperf-tiny/ds-cnn --model vit

Both are used by their command line only, as their users do, so their modules may lie anywhere. A commit is checked out
for the time of the run; a folder is taken as it is. Both run in this Python: a commit of another toolchain fails.

A search begins with nothing remembered, with the same seed, trials and one worker. Candidates per second are those that
`velatune tune --json` reports: of the search alone, without lowering, by the clock. Passes of only one of them lead to
other programs, so `programs` and `best` are printed as well. A candidate whose program was seen before is answered from
memory. So a search that finds more distinct programs has a lower rate of candidates. Programs per second compare the
work itself; the round with the most counts. A lookup is the whole command, for a result that is there. Most of its time
is the start of Python. Its median counts. The two take turns, so that a busy machine slows both alike. Ratios are this
checkout's figure divided by the other one's.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

import click

from benchmarks.markdown import row
from benchmarks.speed.checkout import Checkout, checked_out, this


@dataclass(frozen=True)
class Searched:
    """What `velatune tune` reported, and the checkout that still holds the result.

    Attributes:
        candidates: that were evaluated.
        programs: distinct ones among them.
        best: cycles (predicted).
        seconds: of the search by the clock.
    """

    checkout: Checkout
    candidates: int
    programs: int
    best: int
    seconds: float

    @property
    def rate(self) -> float:
        """Candidates per second."""
        return self.candidates / self.seconds

    @property
    def program_rate(self) -> float:
        """Distinct programs per second."""
        return self.programs / self.seconds


def searched(checkout: Checkout, model: str, target: str, trials: int) -> Searched:
    """One search from nothing.

    Args:
        checkout: with a new home.
        model: as `velatune tune` takes it.
        target: the device.
        trials: candidates of the search.

    Returns:
        What it reported.

    Raises:
        click.ClickException: the search failed.
    """
    printed = checkout.run(
        "tune", model, "--target", target, "--trials", str(trials), "--jobs", "1", "--seed", "0", "--json"
    )
    (found,) = json.loads(printed)
    return Searched(checkout, found["evaluations"], found["distinct"], found["best"]["cycles"], found["seconds"])


def lookup_seconds(checkout: Checkout, model: str, target: str) -> float:
    """Seconds of one `velatune lookup` by the clock, for what the checkout's store has."""
    started = time.perf_counter()
    checkout.run("lookup", model, "--target", target)
    return time.perf_counter() - started


@click.command(help=__doc__)
@click.argument("other")
@click.option("--model", "models", multiple=True, default=("mlperf-tiny/ds-cnn",), show_default=True)
@click.option("--target", "targets", multiple=True, default=("ethos-u55-128",), show_default=True)
@click.option("--trials", default=64, show_default=True, type=click.IntRange(1), help="candidates of a search")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="searches by each")
@click.option("--lookups", default=10, show_default=True, type=click.IntRange(1), help="lookups by each")
def main(other: str, models: tuple[str, ...], targets: tuple[str, ...], trials: int, rounds: int, lookups: int) -> None:
    header = ("model", "target", "checkout", "candidates", "programs", "best, predicted", "candidates per second",
              "ratio", "programs per second", "ratio", "lookup, ms", "ratio")  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a way out that removes the checkout
    with tempfile.TemporaryDirectory(prefix="velatune-against-") as name:
        folder = Path(name)
        with checked_out(other, folder / "checkout") as older:
            click.echo("\n".join(row(*header, header=True)))
            homes = (folder / f"home {number}" for number in count())
            for model in models:
                for target in targets:
                    sides = {"the other": older, "this": this()}
                    for line in _rows(sides, homes, model, target, trials, rounds, lookups):
                        click.echo("\n".join(row(model, target, *line)))


def _rows(
    sides: dict[str, Path], homes: Iterator[Path], model: str, target: str, trials: int, rounds: int, lookups: int
) -> Iterator[tuple[str, ...]]:
    best: dict[str, Searched] = {}
    for number in range(rounds):
        for name in sides if number % 2 else reversed(sides):
            found = searched(_new(sides[name], next(homes)), model, target, trials)
            if name not in best or found.program_rate > best[name].program_rate:
                best[name] = found
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(lookups):
        for name in sides if number % 2 else reversed(sides):
            taken[name].append(1000 * lookup_seconds(best[name].checkout, model, target))
    for name in sides:
        one, usual = best[name], median(taken[name])
        yield (
            name, str(one.candidates), str(one.programs), f"{one.best:,}", f"{one.rate:.2f}",
            f"{one.rate / best['the other'].rate:.2f}", f"{one.program_rate:.2f}",
            f"{one.program_rate / best['the other'].program_rate:.2f}", f"{usual:.0f}",
            f"{usual / median(taken['the other']):.2f}",
        )  # fmt: skip


def _new(folder: Path, home: Path) -> Checkout:
    checkout = Checkout(folder, home)
    checkout.install()
    return checkout


if __name__ == "__main__":
    main()
