"""Writes a conformance pack: `python -m benchmarks.correctness.conformance` (`make conformance`).

See docs/conformance.md.
"""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.correctness.conformance.pack import write_pack
from workers.ethos_u.target import Target


@click.command()
@click.option("--target", default="ethos-u55-128", show_default=True, metavar="NPU")
@click.option("--system-config", metavar="NAME")
@click.option("--memory-mode", metavar="NAME")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR")
@click.option("--only", multiple=True, metavar="CASE", help="these cases only")
def conformance(
    target: str, system_config: str | None, memory_mode: str | None, out: Path, only: tuple[str, ...]
) -> None:
    """Write programs with inputs and expected outputs for one NPU, and a script that runs them there."""
    board = Target.parse(target, system_config, memory_mode)
    write_pack(out, board, only, click.echo)
    click.echo(f"written to {out}")


if __name__ == "__main__":
    conformance()
