"""`velatune boards`"""

from __future__ import annotations

import click

from workers.ethos_u.boards.preset import preset_names, read_preset


@click.command()
def boards() -> None:
    """List the boards that --board knows: NPU, clock, memory mode."""
    presets = {name: read_preset(name) for name in preset_names()}
    width = max(map(len, presets))
    for name, board in presets.items():
        facts = f"{board.npu} at {board.clock_hz / 1e6:g} MHz, {board.memory_mode}"
        click.echo(f"{name:<{width}}  {facts:<43}  {board.description}")
