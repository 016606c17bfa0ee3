"""How stream cycles agree with Vela's report, row by row: `python -m benchmarks.agreement [MODEL|FILE.tosa ...]`.

Without arguments over the whole suite, lowered by stock ExecuTorch and kept in velatune's cache.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import click

from benchmarks.rows import CLASSES, Compared, compared_rows
from benchmarks.vela_inputs import CORRECTIONS
from tuner.paths import cache_folder
from workers.base_program import load_or_lower
from workers.suite import MODELS
from workers.target import Target
from workers.vela import VelaRefused

TARGETS = ("ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u85-256")


@click.command()
@click.argument("models", nargs=-1)
@click.option("--target", "accelerators", multiple=True, default=TARGETS)
@click.option("--off", type=int, default=0, help="also list so many of the rows that are further off than 10 %")
def agreement(models: tuple[str, ...], accelerators: tuple[str, ...], off: int) -> None:
    """Print, as Markdown, how far stream cycles are from Vela's rows."""
    found = {accelerator: list(_rows(models or tuple(MODELS), accelerator)) for accelerator in accelerators}
    _exactness(found)
    _distribution(found)
    _corrected(found)
    _by_operator(found)
    _by_artefact(found)
    for accelerator, rows in found.items():
        worst = sorted((row for row in rows if not row.artefact and row.error > 0.1), key=lambda row: -row.error)
        worst += [row for row in rows if row.artefact in (*CORRECTIONS, "several") and row.corrected_error > 0.1]
        for row in worst[:off]:
            told = (
                f"{row.vela_cycles:,} by Vela, {row.corrected_cycles:,} corrected, {row.stream_cycles:,} stream cycles"
            )
            click.echo(f"{accelerator} {row.model} {row.name} {row.operator}: {told}")


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
    click.echo("\nOur formulas on Vela's own inputs (rows that they can be fed for):\n")
    _header("target", "rows", "the same cycle count", "share")
    for accelerator, rows in found.items():
        fed = [row for row in rows if row.exact is not None]
        same = sum(bool(row.exact) for row in fed)
        _line(accelerator, len(fed), same, f"{same / max(1, len(fed)):.1%}")


def _distribution(found: dict[str, list[Compared]]) -> None:
    click.echo("\nStream cycles against Vela's rows, rows without a known artefact:\n")
    _header("target", "rows", "median", "p90", "p95", "within 1 %", "within 10 %", "cycles by Vela", "stream cycles")
    for accelerator, rows in found.items():
        _line(accelerator, *_spread([row for row in rows if not row.artefact]))


def _corrected(found: dict[str, list[Compared]]) -> None:
    classes = ", ".join([*CORRECTIONS, "several"])
    click.echo(f"\nAgainst Vela's rows with the corrections applied to what Vela fed them, rows of {classes}:\n")
    _header("target", "rows", "median", "p90", "p95", "within 1 %", "within 10 %", "corrected", "stream cycles")
    for accelerator, rows in found.items():
        fitting = [row for row in rows if row.artefact in (*CORRECTIONS, "several")]
        _line(accelerator, *_spread(fitting, corrected=True))


def _by_operator(found: dict[str, list[Compared]]) -> None:
    click.echo("\nThe same by operator, all targets:\n")
    _header("operator", "rows", "median", "p90", "p95", "within 1 %", "within 10 %", "cycles by Vela", "stream cycles")
    grouped: dict[str, list[Compared]] = defaultdict(list)
    for rows in found.values():
        for row in rows:
            if not row.artefact:
                grouped[row.operator].append(row)
    for operator, rows in sorted(grouped.items(), key=lambda item: -len(item[1])):
        _line(operator, *_spread(rows))


def _by_artefact(found: dict[str, list[Compared]]) -> None:
    click.echo("\nRows with a known artefact:\n")
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


def _spread(rows: list[Compared], corrected: bool = False) -> list[object]:
    errors = sorted(row.corrected_error if corrected else row.error for row in rows)
    if not errors:
        return [0, *("-",) * 7]
    parts = [errors[min(len(errors) - 1, int(part * len(errors)))] for part in (0.5, 0.9, 0.95)]
    shares = [sum(error <= most for error in errors) / len(errors) for most in (0.01, 0.1)]
    told = sum(row.corrected_cycles if corrected else row.vela_cycles for row in rows)
    totals = told, sum(row.stream_cycles for row in rows)
    return [len(rows), *(f"{part:.1%}" for part in (*parts, *shares)), *(f"{total:,}" for total in totals)]


def _header(*cells: str) -> None:
    _line(*cells)
    _line(*("---" for _ in cells))


def _line(*cells: object) -> None:
    click.echo(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    agreement()
