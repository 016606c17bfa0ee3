"""Execute the command streams of the built-in models and compare them with the TOSA reference model.

    python -m benchmarks.correctness.proofs
    python -m benchmarks.correctness.proofs --model vit --target ethos-u55-128 --tuned tuned.json --files out/pte

The default lowering of each model on each target, and the best one that `velatune tune` found. All sets of inputs of
velatune's check are executed. A row each, printed as soon as it is known: the sets; `equal`, or what differs first and
the kinds of docs/vela-miscompilations.md that the program is open to; CPU seconds of executing it on one set of inputs,
the first time and again. Each runs in a process of its own, which has nothing decoded yet. How long `velatune run`
takes is measured by `python -m benchmarks.speed.running`.

Exit status 1: a best differs, or a lowering that should be there cannot be had. Or a default lowering differs and no
known kind can be why.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmarks.correctness.proofs.apart import apart
from benchmarks.correctness.proofs.case import BEST, DEFAULT, Case, Recipes, best_in_store, bests_in
from benchmarks.correctness.proofs.file import prove_file
from benchmarks.correctness.proofs.proof import Proof, prove
from benchmarks.markdown import row
from results.errors import StoreError
from tuner.commands.options import store_option
from workers.errors import ModelError, ReferenceFailed
from workers.ethos_u.vela.compiler import VelaRefused
from workers.models.suite import MODELS
from workers.pool.failures import WorkerLost

TARGETS = ("ethos-u55-128", "ethos-u65-512", "ethos-u85-256")

_HEADER = ("model", "target", "lowering", "sets of inputs", "outputs", "CPU s", "again")
_FAILURES = (ModelError, VelaRefused, ReferenceFailed, StoreError, WorkerLost)


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=tuple(MODELS), show_default="all built-in ones")
@click.option("--target", "targets", multiple=True, default=TARGETS, show_default=True)
@click.option(
    "--tuned", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.JSON",
    help="the bests that `velatune tune --json` printed  [default: those in the store]",
)  # fmt: skip
@store_option
@click.option("--files", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="check `.pte`s too")
def main(
    models: tuple[str, ...], targets: tuple[str, ...], tuned: Path | None, store_url: str | None, files: Path | None
) -> None:
    try:
        bests = None if tuned is None else bests_in(tuned)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    click.echo("\n".join(row(*_HEADER, header=True)))
    proven = True
    for target in targets:
        for model in models:
            proven &= _proven(Case(model, target, DEFAULT, DEFAULT), files)
            proven &= _best_proven(model, target, bests, store_url, files)
    sys.exit(not proven)


def _best_proven(model: str, target: str, bests: Recipes | None, store: str | None, files: Path | None) -> bool:
    """As `_proven`; True where no best is known."""
    try:
        known = apart(best_in_store, model, target, store) if bests is None else bests.get((model, target))
    except (StoreError, WorkerLost) as error:
        _tell(Case(model, target, BEST, ""), outputs=f"none: {error}")
        return False
    if known is not None and known != DEFAULT:
        return _proven(Case(model, target, BEST, known), files)
    _tell(Case(model, target, BEST, ""), outputs="none is known" if known is None else "it is the default")
    return True


def _proven(case: Case, files: Path | None) -> bool:
    """Print the rows of a case. Whether nothing is wrong that is not explained."""
    try:
        proof = apart(prove, case)
        _tell(case, proof.sets, _outputs(proof), f"{proof.seconds.first:.2f}", f"{proof.seconds.again:.2f}")
        if files is not None:
            _tell(case, outputs=f"of the .pte: {apart(prove_file, case, files) or 'equal'}")
    except _FAILURES as error:
        _tell(case, outputs=f"none: {error}")
        return False
    return all(case.kind == DEFAULT and one.open_to for one in proof.wrong)


def _outputs(proof: Proof) -> str:
    return "; ".join(map(str, proof.wrong)) or "equal"


def _tell(case: Case, sets: str = "", outputs: str = "", first: str = "", again: str = "") -> None:
    """Print a row. It is there at once, also in a file or a pipe: `click.echo` flushes."""
    click.echo("\n".join(row(case.model, case.accelerator, case.kind, sets, outputs, first, again)))


if __name__ == "__main__":
    main()
