"""`velatune space`"""

from __future__ import annotations

import click

from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe import registry
from search_space.recipe.space import pass_instances


@click.command()
def space() -> None:
    """List the passes and lowering choices that recipes are made of, with the law of each.

    What is not marked is exact: outputs stay bit for bit. Those that are requantising are searched with
    --allow-requant or --allow-precision only, those of precision with the latter.
    """
    click.echo("passes")
    for one in pass_instances(RecipePass, max(Exactness)):
        click.echo(f"  {one}{_marked(one.exactness)}\n      {one.law}")
    click.echo("lowering choices")
    for name, choice in registry.choices().items():
        for alternative, law in choice.alternatives.items():
            click.echo(f"  {name}={alternative}{_marked(choice.exactness(alternative))}\n      {law}")


def _marked(exactness: Exactness) -> str:
    return "" if exactness == Exactness.EXACT else f"  [{exactness}]"
