"""How long `velatune run FILE.pte` takes on one core, over the built-in models and MobileNetV2 at 224x224.

    python -m benchmarks.speed.running
    python -m benchmarks.speed.running --model vit --target ethos-u55-128

A row for each model and target, of the default lowering, printed as soon as it is known. `process`: of the whole
command, by the clock and in CPU seconds. Most of it is Python that imports PyTorch. `execution`: CPU seconds of all
delegates and the operators between them. They are given for the first time in a process, with weights decoded, and for
the second. At the end the ones that take longer to execute than they should. The `.pte`s are kept in `--files` for the
next time.

Exit status 1: a model cannot be lowered, written or run. Its row says why, and the others are measured all the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmarks.correctness.proofs.apart import apart
from benchmarks.correctness.proofs.case import DEFAULT, Case
from benchmarks.correctness.proofs.file import file_of
from benchmarks.markdown import row
from benchmarks.speed.running.seconds import execution_seconds, process_seconds
from tuner.paths import cache_folder
from workers.errors import ModelError
from workers.models.suite import MODELS
from workers.pool.failures import WorkerLost

_MOBILENET = "benchmarks.models.mobilenet_v2:load"

#: CPU seconds of an execution that are aimed at. Wav2Letter has 40 times the multiplications of the others.
_AIM, _AIMS = 0.7, {_MOBILENET: 2.0, "wav2letter": float("inf")}

_HEADER = ("model", "target", "process, s", "process, CPU s", "execution, CPU s", "again", "aim")


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=(*MODELS, _MOBILENET), show_default="all of them")
@click.option("--target", "targets", multiple=True, default=("ethos-u55-128", "ethos-u85-256"), show_default=True)
@click.option("--files", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="where the `.pte`s are")
def main(models: tuple[str, ...], targets: tuple[str, ...], files: Path | None) -> None:
    folder = files or cache_folder() / "running"
    click.echo("\n".join(row(*_HEADER, header=True)))
    slow, failed = [], 0
    for target in targets:
        for model in models:
            aim = _AIMS.get(model, _AIM)
            try:
                file = apart(file_of, Case(model, target, DEFAULT, DEFAULT), folder)
                process, execution = process_seconds(file), apart(execution_seconds, file)
            except (ModelError, WorkerLost, click.ClickException) as error:
                click.echo("\n".join(row(model, target, f"none: {error}")))
                failed += 1
                continue
            numbers = (process.wall, process.cpu, execution.first, execution.again, aim)
            click.echo("\n".join(row(model, target, *(f"{number:.2f}" for number in numbers))))
            if execution.first > aim:
                slow.append(f"{model} on {target}: {execution.first:.2f} s to execute, aimed at {aim} s")
    click.echo("\n" + ("\n".join(slow) or "All that were executed took no longer than what is aimed at."))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
