"""`velatune export`"""

from __future__ import annotations

from pathlib import Path

import click

from results.reports.recipe_file import written
from results.store.store import Store
from tuner.commands.options import store_option
from workers.cache.atomic_write import write_whole
from workers.errors import ModelError


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--target", "targets", multiple=True, metavar="NPU", help="only for this NPU; may be repeated")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="write it here")
@store_option
def export(models: tuple[str, ...], targets: tuple[str, ...], out: Path | None, store_url: str | None) -> None:
    """Print the best known recipes as JSON: a file to check in, for `velatune import`.

    Of each model, target, objective and quantisation the newest one, in a fixed order. MODEL: only those, named as they
    were tuned.
    """
    with Store.open(store_url) as store:
        bests = store.claims.shareable()
    for unknown in sorted(set(models) - {best.identity.model_name for best in bests}):
        raise ModelError(f"no recipe is known for a model of the name {unknown}; models are named as they were tuned")
    chosen = [
        best
        for best in bests
        if (not models or best.identity.model_name in models) and (not targets or best.identity.target.name in targets)
    ]
    text = written(chosen)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_whole(out, text.encode())
        click.echo(f"{out}: {len(chosen)} recipes", err=True)
