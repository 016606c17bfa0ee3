"""How fast searches are in this checkout and in another one, side by side.

    git worktree add --detach ../before 6f85dd0
    python -m benchmarks.speed.against ../before --model mlperf-tiny/ds-cnn --model vit

Both search the same model with the same seed, in turn, one process each, with nothing remembered but the lowered model.
Prints candidates per second for each, by the CPU time of the whole search, its own steps included, and by the clock.
Of several rounds the one with the least CPU time counts.
Where the two have other passes, they come to other programs: `python -m benchmarks.speed.executing` compares on
the same ones what executing command streams costs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from benchmarks.markdown import row
from benchmarks.speed.search_once import Searched
from tuner.paths import cache_folder

_SCRIPT = Path(__file__).with_name("search_once.py")
_HERE = _SCRIPT.parents[2]


def searched(checkout: Path, model: str, target: str, trials: int) -> Searched:
    """One search by a checkout. Raises ClickException with its last words if it fails."""
    environment = os.environ | {
        "PYTHONPATH": str(checkout), "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-P", str(_SCRIPT), model, target, str(trials), str(cache_folder() / "lowered")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise click.ClickException(f"the search of {model} for {target} by {checkout} failed: {said[-1]}")
    return Searched(**json.loads(ended.stdout.splitlines()[-1]))


@click.command(help=__doc__)
@click.argument("checkout", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", "models", multiple=True, default=("mlperf-tiny/ds-cnn",), show_default=True)
@click.option("--target", "targets", multiple=True, default=("ethos-u55-128", "ethos-u85-256"), show_default=True)
@click.option("--trials", default=64, show_default=True, help="candidates of a search, but for shortening its best")
@click.option("--rounds", default=3, show_default=True, help="searches by each; the fastest one counts")
def main(checkout: Path, models: tuple[str, ...], targets: tuple[str, ...], trials: int, rounds: int) -> None:
    sides = {"the other": checkout.resolve(), "this": _HERE}
    header = (
        "model", "target", "checkout", "candidates", "programs", "CPU ms a candidate", "candidates per CPU second",
        "per second", "against the other",
    )  # fmt: skip
    click.echo("\n".join(row(*header, header=True)))
    for model in models:
        for target in targets:
            found: dict[str, list[Searched]] = {name: [] for name in sides}
            for number in range(rounds):
                for name in sides if number % 2 else reversed(sides):
                    found[name].append(searched(sides[name], model, target, trials))
            rates = {}
            for name in sides:
                # A busy machine adds to the CPU time as well.
                one = min(found[name], key=lambda searched: searched.cpu_seconds)
                rates[name] = one.candidates / one.cpu_seconds
                cells = (
                    name, str(one.candidates), str(one.programs), f"{1000 / rates[name]:.1f}", f"{rates[name]:.1f}",
                    f"{one.candidates / one.seconds:.1f}", f"{rates[name] / rates['the other'] - 1:+.1%}",
                )  # fmt: skip
                click.echo("\n".join(row(model, target, *cells)))


if __name__ == "__main__":
    main()
