"""Record the spaces anew, of these models or of all, with the real evaluator.

python -m benchmarks.search.laboratory [MODEL ...]
"""

from __future__ import annotations

import click

from benchmarks.search.laboratory.record import record
from benchmarks.search.laboratory.spaces import SPACES


@click.command()
@click.argument("models", nargs=-1)
def main(models: tuple[str, ...]) -> None:
    """Write the tables; minutes, less if velatune's memo has the programs."""
    for space in SPACES:
        if models and space.model not in models:
            continue
        name = f"{space.model} on {space.target}"
        with click.progressbar(length=space.most, label=name) as bar:
            table = record(space, lambda done, _, bar=bar: bar.update(done - bar.pos))  # type: ignore[misc]
        path = table.write()
        what = "whole" if table.whole else f"of more than {space.most}"
        click.echo(f"{name}: {len(table.programs)} programs, {what}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
