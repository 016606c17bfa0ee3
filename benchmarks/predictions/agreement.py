"""Where stream cycles differ from Vela's report, and why.

    python -m benchmarks.predictions.agreement [MODEL|FILE.tosa ...]

Without arguments over the whole suite, lowered by stock ExecuTorch and kept in velatune's cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from benchmarks.predictions.rows import CLASSES, Compared, compared_rows
from benchmarks.predictions.vela_inputs import CORRECTIONS
from tuner.paths import cache_folder
from workers.ethos_u.lowering.base_program import load_or_lower
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused
from workers.models.suite import MODELS

TARGETS = ("ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u85-256")


@click.command()
@click.argument("models", nargs=-1)
@click.option("--target", "accelerators", multiple=True, default=TARGETS)
def agreement(models: tuple[str, ...], accelerators: tuple[str, ...]) -> None:
    """Print, as Markdown, Vela's rows recomputed, and beside stream cycles by what sets the two apart."""
    found = {accelerator: list(_rows(models or tuple(MODELS), accelerator)) for accelerator in accelerators}
    _exactness(found)
    _by_artefact(found)


def _rows(models: Sequence[str], accelerator: str) -> Iterator[Compared]:
    target = Target.parse(accelerator)
    for model in models:
        base = load_or_lower(model, target, cache_dir=cache_folder() / "lowered", seed=0)
        for graph in base.graphs:
            try:
                yield from compared_rows(model, graph, target)
            except VelaRefused as refusal:
                click.echo(f"{model} on {accelerator}: {refusal}", err=True)


def _exactness(found: dict[str, list[Compared]]) -> None:
    click.echo("\nVela's formulas on Vela's own inputs (rows that they can be fed for):\n")
    _header("target", "rows", "the same cycle count", "share")
    for accelerator, rows in found.items():
        fed = [row for row in rows if row.exact is not None]
        same = sum(bool(row.exact) for row in fed)
        _line(accelerator, len(fed), same, f"{same / max(1, len(fed)):.1%}")


def _by_artefact(found: dict[str, list[Compared]]) -> None:
    click.echo("\nRows by what Vela does in them; measurements set all of them apart:\n")
    _header("artefact", "target", "rows", "operations", "cycles by Vela", "stream cycles", "ratio", "for starting")
    for artefact in (*CLASSES, *CORRECTIONS, ""):
        for accelerator, every in found.items():
            rows = [row for row in every if row.artefact == artefact]
            if rows:
                vela, stream = sum(row.vela_cycles for row in rows), sum(row.stream_cycles for row in rows)
                start, operations = sum(row.start_cycles for row in rows), sum(row.operations for row in rows)
                ratio = f"{stream / max(1, vela):.2f}"
                _line(
                    artefact or "(none)",
                    accelerator,
                    len(rows),
                    operations,
                    f"{vela:,}",
                    f"{stream:,}",
                    ratio,
                    f"{start:,}",
                )


def _header(*cells: str) -> None:
    _line(*cells)
    _line(*("---" for _ in cells))


def _line(*cells: object) -> None:
    click.echo(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    agreement()
