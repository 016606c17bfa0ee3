"""What tuning for Vulkan brings on small models: `make vulkan`, which puts the table into docs/vulkan.md.

    python -m benchmarks.vulkan_table
    python -m benchmarks.vulkan_table --model vit --trials 20

Each model is tuned, and its best recipe is written as a `.pte` that is held to what was evaluated. All numbers are
counted, but for quality, which is simulated: nothing runs on a device.

Exit status 1: a model cannot be tuned or written; its row says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from benchmarks.markdown import row

#: Model -> decibels that its outputs must keep.
_LIMITS = {"mlp": 30, "cnn": 30, "mobilenet": 25, "vit": 30, "llm": 20, "conv1d": 40}

_HEADER = (
    "model", "limit", "delegates", "operators on the CPU", "operations", "bytes moved", "constant bytes", "quality",
    "recipe",
)  # fmt: skip


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=tuple(_LIMITS), show_default=True)
@click.option("--trials", default=48, show_default=True, help="candidates for each model")
@click.option("--files", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="keep the `.pte`s here")
def main(models: tuple[str, ...], trials: int, files: Path | None) -> None:
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
    sys.exit(failed > 0)


def _line(model: str, trials: int, folder: Path, files: Path) -> Iterator[str]:
    limit = _LIMITS[model]
    said = (
        f"benchmarks.vulkan_models:{model}", "--target", "vulkan", "--allow-precision", "--min-sqnr", str(limit),
        "--store", str(folder / "store.sqlite"),
    )  # fmt: skip
    (found,) = json.loads(_velatune("tune", *said, "--trials", str(trials), "--jobs", "1", "--json"))
    files.mkdir(parents=True, exist_ok=True)
    _velatune("apply", *said, "--out", str(files / f"{model}.pte"))
    default, best = found["default"], found["best"]

    def both(name: str) -> str:
        was, now = _figure(default, name), _figure(best, name)
        return f"{was:,}" if was == now else f"{was:,} → {now:,}"

    names = ("delegates", "host_operators", "operations", "moved_bytes", "flash_bytes")
    fault = " (the default does not load)" if found["default_fault"] else ""
    quality = f"{found['quality']['sqnr_db']:.1f} dB"
    return row(model, f"{limit} dB", *map(both, names), quality, f"`{found['recipe']}`{fault}")


def _figure(figures: Mapping[str, Any], name: str) -> int:
    value: int = figures["metrics"].get(name, figures.get(name, 0))
    return value


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
