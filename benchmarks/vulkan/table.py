"""What tuning for Vulkan brings on small models: `make vulkan`, which puts the table into docs/vulkan.md.

    python -m benchmarks.vulkan.table
    python -m benchmarks.vulkan.table --model vit --trials 20

Each model is tuned, and its best recipe is written as a `.pte` that is held to what was evaluated. All numbers are
counted, but for quality, which is simulated: nothing runs on a device. The last row compares two recipes of
`mobilenet`. One is static int8 as ExecuTorch quantises a net with ReLU6, the other the same without the clamps.

Exit status 1: a model cannot be tuned or written; its row says why.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks.markdown import change, row
from results.store.store import Store
from search_space.exactness import Exactness
from tuner.deploy.apply import applied
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers.backend.job import Job
from workers.checking.allowance import Allowance
from workers.vulkan.target import VulkanTarget

#: Model -> decibels that its outputs must keep.
_LIMITS = {"mlp": 30, "cnn": 25, "mobilenet": 20, "vit": 30, "llm": 20, "conv1d": 40}

_HEADER = (
    "model", "limit", "delegates", "operators on the CPU", "operations", "bytes moved", "constant bytes", "quality",
    "recipe",
)  # fmt: skip

_FIGURES = ("delegates", "host_operators", "operations", "moved_bytes", "flash_bytes")

_ANY = Allowance(Exactness.PRECISION, max_loss_db=200.0)
_WITH_RELU6 = "scheme=static-int8"
#: All layers but the linear one, which is not fused after a view.
_WITHOUT_RELU6 = (
    f"scheme=static-int8@{'+'.join(map(str, range(1, 21)))} | keep-mean-dims,quantise-behind-clamp,drop-relu6"
)


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=tuple(_LIMITS), show_default=True)
@click.option("--trials", default=48, show_default=True, help="candidates for each model")
@click.option("--relu6/--no-relu6", default=True, show_default=True, help="the last row")
@click.option("--files", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="keep the `.pte`s here")
def main(models: tuple[str, ...], trials: int, relu6: bool, files: Path | None) -> None:
    click.echo("\n".join(row(*_HEADER, header=True)))
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            try:
                line = _line(model, trials, Path(folder), files or Path(folder))
            except click.ClickException as error:
                failed += 1
                line = row(model, f"none: {error.message}")
            click.echo("\n".join(line))
        if relu6:
            click.echo("\n".join(_relu6_line(Path(folder))))
    sys.exit(failed > 0)


def _line(model: str, trials: int, folder: Path, files: Path) -> Iterator[str]:
    limit = _LIMITS[model]
    said = (
        f"benchmarks.vulkan.models:{model}", "--target", "vulkan", "--allow-precision", "--min-sqnr", str(limit),
        "--store", str(folder / "store.sqlite"),
    )  # fmt: skip
    (found,) = json.loads(_velatune("tune", *said, "--trials", str(trials), "--jobs", "1", "--json"))
    files.mkdir(parents=True, exist_ok=True)
    _velatune("apply", *said, "--out", str(files / f"{model}.pte"))
    fault = " (the default does not load)" if found["default_fault"] else ""
    quality = f"{found['quality']['sqnr_db']:.1f} dB"
    was, now = ({**found[side], **found[side]["metrics"]} for side in ("default", "best"))
    return row(model, f"{limit} dB", *_changes(was, now), quality, f"`{found['recipe']}`{fault}")


def _relu6_line(folder: Path) -> Iterator[str]:
    job = Job("benchmarks.vulkan.models:mobilenet", VulkanTarget(), cache_folder(), seed=0, allowance=_ANY)
    wanted = dict.fromkeys((_WITH_RELU6, _WITHOUT_RELU6))
    with Store.open(folder / "recipes.sqlite") as store:
        found = asyncio.run(applied(job, Objective(allowance=_ANY), wanted, store, cache_folder() / "logs"))
    was, now = (one.figures for one in found)
    quality = found[1].quality
    assert was is not None and now is not None and quality is not None  # `applied` raises where there are none
    title = "mobilenet, static int8 with ReLU6 → without"
    return row(title, "", *_changes(was, now), f"{quality.sqnr_db:.1f} dB", f"`{_WITHOUT_RELU6}`")


def _changes(was: Any, now: Any) -> Iterator[str]:
    """was, now: numbers by the names of metrics."""
    return (change(was[name], now[name]) for name in _FIGURES)


def _velatune(*arguments: str) -> str:
    """What a command says on stdout. Raises ClickException with its last words if it fails."""
    ended = subprocess.run(
        [sys.executable, "-m", "tuner.cli", *arguments], capture_output=True, text=True, check=False
    )  # fmt: skip
    if ended.returncode:
        words = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise click.ClickException(words[-1])
    return ended.stdout


if __name__ == "__main__":
    main()
