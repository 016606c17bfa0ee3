"""What tuning for Vulkan brings on small models: `make vulkan`, which puts the table into docs/vulkan.md.

    python -m benchmarks.vulkan.table
    python -m benchmarks.vulkan.table --model vit --trials 20 --vk-runner COMMAND

Each model is tuned, and its best recipe is written as a `.pte`. That is compared with what was evaluated. All numbers
are counted, but for quality: it is simulated, and its lower limit is given. With a runner, as of
`velatune tune --vk-runner`, each file is run on the inputs of the check. A column tells the quality of its outputs.
Nothing is tuned by the runner. The last row compares two recipes of `mobilenet`. One is static int8 as ExecuTorch
quantises a net with ReLU6, the other the same without the clamps.

Results are stored in the folder of the files. A run that was stopped goes on where it was.

Exit status 1: a model cannot be tuned, written or run; its row says why.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.markdown import change, row
from benchmarks.vulkan.on_runner import quality_on
from results.store.store import Store
from search_space.exactness import Exactness
from tuner.deploy.apply import applied
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers.backend.job import Job
from workers.checking.allowance import Allowance
from workers.errors import ModelError
from workers.vulkan.target import VulkanTarget

#: Model -> decibels that its outputs must keep.
_LIMITS = {"mlp": 30, "cnn": 25, "mobilenet": 20, "vit": 30, "llm": 20, "conv1d": 40}

_HEADER = (
    "model", "limit", "delegates", "operators on the CPU", "operations", "bytes moved", "constant bytes",
    "quality, at least",
)  # fmt: skip

_RELU6 = "mobilenet, static int8 with ReLU6 → without"

_FIGURES = ("delegates", "host_operators", "operations", "moved_bytes", "flash_bytes")

_ANY = Allowance(Exactness.PRECISION, max_loss_db=200.0)
_WITH_RELU6 = "scheme=static-int8"
#: All layers but the linear one, which is not fused after a view.
_WITHOUT_RELU6 = (
    f"scheme=static-int8@{'+'.join(map(str, range(1, 21)))} | keep-reduced-dims,quantise-behind-clamp,drop-relu6"
)


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=tuple(_LIMITS), show_default=True)
@click.option("--trials", default=48, show_default=True, help="candidates for each model")
@click.option("--relu6/--no-relu6", default=True, show_default=True, help="the last row")
@click.option("--vk-runner", "runner", default="", metavar="COMMAND", help="run the files, as of velatune tune")
@click.option(
    "--files", type=click.Path(path_type=Path, file_okay=False), default=Path("out/vulkan"), show_default=True,
    metavar="DIR", help="keep the `.pte`s and the store of results here",
)  # fmt: skip
def main(models: tuple[str, ...], trials: int, relu6: bool, runner: str, files: Path) -> None:
    files.mkdir(parents=True, exist_ok=True)
    table = _Table(files, runner, trials)
    click.echo("\n".join(row(*_HEADER, *(["on the runner"] if runner else []), "recipe", header=True)))
    failed = 0
    for model in (*models, *([_RELU6] if relu6 else [])):
        try:
            line = table.relu6_line() if model == _RELU6 else table.line(model)
        except (click.ClickException, ModelError) as error:
            failed += 1
            line = row(model, f"none: {getattr(error, 'message', error)}")
        click.echo("\n".join(line))
    sys.exit(failed > 0)


@dataclass(frozen=True)
class _Table:
    """The table of models that is written into the page.

    Attributes:
        files: the folder that results are kept in.
        runner: empty where there is none.
        trials: for each model.
    """

    files: Path
    runner: str
    trials: int

    def line(self, model: str) -> Iterator[str]:
        """The row of a model. Raises ClickException, and ModelError if the runner fails."""
        limit, file = _LIMITS[model], self.files / f"{model}.pte"
        said = (
            f"benchmarks.vulkan.models:{model}", "--target", "vulkan", "--allow-precision", "--min-sqnr", str(limit),
            "--store", str(self._store),
        )  # fmt: skip
        (found,) = json.loads(_velatune("tune", *said, "--trials", str(self.trials), "--jobs", "1", "--json"))
        _velatune("apply", *said, "--out", str(file))
        fault = " (the default does not load)" if found["default_fault"] else ""
        was, now = ({**found[side], **found[side]["metrics"]} for side in ("default", "best"))
        quality = self._qualities(found["quality"]["sqnr_db"], model, file)
        return row(model, f"{limit} dB", *_changes(was, now), *quality, f"`{found['recipe']}`{fault}")

    def relu6_line(self) -> Iterator[str]:
        """The last row. Raises ModelError."""
        job = Job("benchmarks.vulkan.models:mobilenet", VulkanTarget(), cache_folder(), seed=0, allowance=_ANY)
        file = self.files / "mobilenet-without-relu6.pte"
        wanted = {_WITH_RELU6: None, _WITHOUT_RELU6: file}
        with Store.open(self._store) as store:
            found = asyncio.run(applied(job, Objective(allowance=_ANY), wanted, store, cache_folder() / "logs"))
        was, now = (one.figures for one in found)
        assert was is not None and now is not None and found[1].quality is not None  # `applied` raises otherwise
        quality = self._qualities(found[1].quality.sqnr_db, "mobilenet", file)
        return row(_RELU6, "", *_changes(was, now), *quality, f"`{_WITHOUT_RELU6}`")

    @property
    def _store(self) -> Path:
        return self.files / "store.sqlite"

    def _qualities(self, simulated: float, model: str, file: Path) -> Iterator[str]:
        yield f"{simulated:.1f} dB"
        if self.runner:
            yield f"{quality_on(self.runner, model, file):.1f} dB"


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
