"""Options of the commands that have `.pte` files run by a command of the user's."""

from __future__ import annotations

import click

runner_option = click.option(
    "--runner", required=True, metavar="COMMAND", help="what runs a .pte; a folder is its last argument"
)
target_option = click.option("--target", default="cortex-m55", show_default=True, metavar="NAME")
timeout_option = click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=600.0, metavar="SECONDS", help="of one run"
)
