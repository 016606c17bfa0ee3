"""`velatune space`"""

from __future__ import annotations

import click

from search_space import registry
from search_space.space import pass_instances
from search_space.upstream import UpstreamChoice


@click.command()
def space() -> None:
    """List the passes and lowering choices that recipes are made of, with the law of each."""
    click.echo("passes")
    for one in pass_instances():
        click.echo(f"  {one}\n      {one.law}")
    click.echo("lowering choices")
    for name, choice in registry.choices().items():
        for alternative, law in choice.alternatives.items():
            click.echo(f"  {name}={alternative}\n      {law}")
            if issubclass(choice, UpstreamChoice) and alternative in choice.requantising:
                click.echo(f"      not searched: {choice.requantising[alternative]}")
