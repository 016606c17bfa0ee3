"""`velatune count`"""

from __future__ import annotations

import json
from pathlib import Path

import click

from tuner.commands.options import ABOVE_ZERO, json_option
from workers.cortex_m.count.classes import InstructionClass
from workers.cortex_m.count.region import count_region
from workers.cortex_m.target import Target


@click.command()
@click.argument("program", type=click.Path(path_type=Path, dir_okay=False), metavar="PROGRAM.ELF")
@click.option("--target", required=True, metavar="NAME", help="such as cortex-m55")
@click.option("--timeout", type=ABOVE_ZERO, default=300.0, metavar="SECONDS", help="of the emulation")
@json_option
def count(program: Path, target: str, timeout: float, as_json: bool) -> None:
    """Count the instructions that a bare-metal program executes between `dbg #1` and `dbg #2`, under QEMU.

    Counts are exact and equal from run to run. They are simulated, and no cycles. See docs/cortex-m.md.
    """
    found = count_region(program, Target.parse(target), timeout_seconds=timeout)
    by_class = {one.value: found.by_class.get(one, 0) for one in InstructionClass}
    if as_json:
        counts = {
            "instructions": found.instructions,
            "by_class": by_class,
            "visits": found.visits,
            "label": "simulated",
        }
        click.echo(json.dumps(counts, indent=2))
        return
    click.echo(f"{found.instructions:,} instructions (simulated) in {found.visits:,} visits of the region")
    for name, number in by_class.items():
        click.echo(f"{number:>{len(f'{found.instructions:,}')},}  {name}")
