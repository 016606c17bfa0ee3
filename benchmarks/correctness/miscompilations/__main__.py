"""Writes docs/vela-miscompilations.md: `python -m benchmarks.correctness.miscompilations` (`make miscompilations`)."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.correctness.miscompilations.page import page

_DOCUMENT = Path(__file__).parents[3] / "docs" / "vela-miscompilations.md"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=_DOCUMENT)
def miscompilations(out: Path) -> None:
    """Compile every program with every version of Vela, and write down what the command streams show."""
    out.write_text(page())
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    miscompilations()
