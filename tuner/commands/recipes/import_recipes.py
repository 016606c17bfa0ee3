"""`velatune import`"""

from __future__ import annotations

from pathlib import Path

import click

from results.records.claim import ImportOutcome
from results.reports.recipe_file import MOST_BYTES, read
from results.store.store import Store
from tuner.commands.options import store_option

_SAID: dict[ImportOutcome, str] = {
    "new": "new, not verified here until velatune apply checks them",
    "cheaper": "said to be cheaper than the store's own, which stay; velatune apply --recipe tries one",
    "known": "left out: the store's own are as good",
    "refuted": "left out: they were found wrong or refused here",
}


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@store_option
def import_recipes(file: Path, store_url: str | None) -> None:
    """Take over the recipes of a file that `velatune export` wrote.

    All of them are taken over or, if the file is bad, none.
    """
    with file.open("rb") as opened:
        entries = read(opened.read(MOST_BYTES + 1), str(file))
    with Store.open(store_url) as store:
        received = store.claims.record_all((entry.identity, entry.claim) for entry in entries)
    for reception, said in _SAID.items():
        if count := received.count(reception):
            click.echo(f"{count} {said}")
