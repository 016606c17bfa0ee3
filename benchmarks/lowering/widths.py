"""What other widths bring to whole models: `make widths`, which puts the table into docs/exactness.md."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.markdown import row
from results.store.store import Store
from search_space.exactness import Exactness
from tuner.deploy.apply import applied
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers.backend.job import Job
from workers.checking.allowance import Allowance
from workers.ethos_u.target import Target

_MODELS = ("mlperf-tiny/deep-autoencoder", "mlperf-tiny/ds-cnn", "silero-vad")
_TARGET = "ethos-u55-128"
_RECIPES = {"int8": "default", "int4 weights": "precision=int4", "int16 activations": "precision=int16"}
_ANY = Allowance(Exactness.PRECISION, max_loss_db=200.0)


@click.command()
def widths() -> None:
    """Print, as Markdown, cycles (predicted), memory and quality (simulated) of models with layers of one width."""
    header = ("model", "widths", "stream cycles", "by Vela", "flash, bytes", "SRAM, bytes", "SQNR")
    click.echo("\n".join(row(*header, header=True)))
    for model in _MODELS:
        click.echo("\n".join(_rows(model)))


def _rows(model: str) -> Iterator[str]:
    job = Job(model, Target.parse(_TARGET), cache_folder(), seed=0, allowance=_ANY)
    wanted = dict.fromkeys(_RECIPES.values())
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.sqlite") as store:
        found = asyncio.run(applied(job, Objective(allowance=_ANY), wanted, store, cache_folder() / "logs"))
    for name, one in zip(_RECIPES, found, strict=True):
        assert one.figures is not None and one.quality is not None  # `applied` raises where there are none
        of = one.figures
        numbers = of["stream_cycles"], of["vela_cycles"], of.flash_bytes, of.sram_bytes
        yield from row(model, name, *(f"{number:,}" for number in numbers), f"{one.quality.sqnr_db:.1f} dB")


if __name__ == "__main__":
    widths()
