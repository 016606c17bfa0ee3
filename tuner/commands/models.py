"""`velatune models`"""

from __future__ import annotations

import json

import click

from tuner.commands.options import json_option
from workers.models.suite import MODELS


@click.command()
@click.option("--names", is_flag=True, help="print the names alone")
@json_option
def models(names: bool, as_json: bool) -> None:
    """List the built-in models."""
    described = {name: model.description for name, model in MODELS.items()}
    if names:
        click.echo("\n".join(described))
        return
    if as_json:
        click.echo(json.dumps([{"model": name, "description": text} for name, text in described.items()], indent=2))
        return
    width = max(map(len, described))
    for name, text in described.items():
        click.echo(f"{name:{width}}  {text}")
