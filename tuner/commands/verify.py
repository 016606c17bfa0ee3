"""`velatune verify`"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from results.store import Store
from tuner.commands.options import store_option
from tuner.progress import proof
from workers.ahead_of_time import TAG_KEY
from workers.cost import command_stream_hash
from workers.errors import ModelError
from workers.pte import Delegate, read_pte


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="MODEL.PTE")
@store_option
def verify(file: Path, store_url: str | None) -> None:
    """Prove that a .pte holds the very command streams that were evaluated for the recipe that it names."""
    delegates = read_pte(file)
    tag = _tag(file, delegates[0])
    if any(_tag(file, delegate) != tag for delegate in delegates):
        raise ModelError(f"{file}: its delegates were lowered by different recipes")
    with Store.open(store_url) as store:
        evaluation = store.evaluation(tag["identity"], tag["recipe"])
        if evaluation is None or not evaluation.verified or evaluation.figures is None:
            raise ModelError(
                f"{file}: it names recipe '{tag['recipe']}', which {store.location} has no verified evaluation of; "
                "give the store that it was made with (--store)"
            )
    found = Counter(command_stream_hash(d.command_stream, d.weights) for d in delegates)
    if found != Counter(evaluation.command_stream_sha256):
        raise ModelError(f"{file}: its command streams are not those that were evaluated for '{tag['recipe']}'")
    click.echo(
        f"{file}: verified. {len(delegates)} delegate{'s' if len(delegates) > 1 else ''} by {evaluation.recipe}, "
        f"{evaluation.figures.cycles:,} cycles (predicted), {proof(evaluation)}, "
        f"as checked on {evaluation.created[:10]}"
    )


def _tag(file: Path, delegate: Delegate) -> dict[str, str]:
    raw = delegate.compile_specs.get(TAG_KEY)
    if raw is None:
        raise ModelError(f"{file}: it carries no recipe; it was not written by velatune")
    try:
        tag = json.loads(raw)
        return {"identity": str(tag["identity"]), "recipe": str(tag["recipe"])}
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{file}: the recipe that it carries is damaged") from None
