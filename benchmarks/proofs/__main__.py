"""Execute the command streams of the built-in models and compare them with the TOSA reference model.

    python -m benchmarks.proofs
    python -m benchmarks.proofs --model vit --target ethos-u55-128 --tuned tuned.json --files out/pte

Of each model on each target the default lowering, and the best one that `velatune tune` found, on all sets of inputs of
velatune's check. A line each: `equal`, or what differs first and the kinds of docs/vela-miscompilations.md that the
program is open to; CPU seconds of executing it on one set of inputs, the first time and again. Each runs in a process
of its own, which has nothing decoded yet.

Exit status 1: a best differs, or a default lowering differs and no known kind can be why.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import click

from benchmarks.proofs.case import DEFAULT, bests_in, bests_in_store, cases
from benchmarks.proofs.file import FileProof, prove_file
from benchmarks.proofs.proof import Proof, prove
from workers.errors import ModelError
from workers.reference import ReferenceFailed
from workers.suite import MODELS
from workers.tasks import warm_up
from workers.vela import VelaRefused

_TARGETS = ("ethos-u55-128", "ethos-u65-512", "ethos-u85-256")

#: ExecuTorch orders some operators by Python's hashes; velatune's workers have these.
_HASH_SEED = {"PYTHONHASHSEED": "0"}

Found = TypeVar("Found")


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=tuple(MODELS), show_default="all built-in ones")
@click.option("--target", "targets", multiple=True, default=_TARGETS, show_default=True)
@click.option(
    "--tuned", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.JSON",
    help="the bests that `velatune tune --json` printed  [default: those in the store]",
)  # fmt: skip
@click.option("--files", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="check `.pte`s too")
def main(models: tuple[str, ...], targets: tuple[str, ...], tuned: Path | None, files: Path | None) -> None:
    if any(os.environ.get(name) != value for name, value in _HASH_SEED.items()):
        os.execve(sys.executable, sys.orig_argv, os.environ | _HASH_SEED)
    warm_up()
    unproven = 0
    for case in cases(models, targets, bests_in(tuned) if tuned else bests_in_store(models, targets)):
        name = f"{case.model:28} {case.accelerator:13} {case.kind:7}"
        try:
            proof = _apart(prove, case)
            click.echo(f"{name} {_told(proof)}")
            unproven += any(case.kind != DEFAULT or not one.open_to for one in proof.wrong)
            if files is not None:
                click.echo(f"{name} {_file_told(_apart(prove_file, case, files))}")
        except (ModelError, VelaRefused, ReferenceFailed) as error:
            click.echo(f"{name} none: {error}")
        except BrokenProcessPool:
            click.echo(f"{name} none: the process ended, as Vela's crashes do")
            unproven += 1
    sys.exit(unproven > 0)


def _apart(function: Callable[..., Found], *arguments: object) -> Found:
    """What a function gives in a process that has executed nothing yet. It begins with what this one has imported."""
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        return pool.submit(function, *arguments).result()


def _told(proof: Proof) -> str:
    of = f"{proof.delegates} delegates, {proof.sets} sets" if proof.delegates > 1 else f"{proof.sets} sets"
    return f"{of}, {proof.seconds}: {'; '.join(map(str, proof.wrong)) or 'equal'}"


def _file_told(proof: FileProof) -> str:
    return f".pte, {proof.seconds}: {proof.wrong or 'equal'}"


if __name__ == "__main__":
    main()
