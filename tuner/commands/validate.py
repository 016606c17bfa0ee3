"""`velatune validate`"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tuner.commands.options import json_option
from tuner.validation.document import validation_document
from tuner.validation.summary import summary_of
from tuner.validation.text import row_tables, skipped_told, summary_tables
from workers.evidence import SHIPPED, read_evidence
from workers.evidence.limits import DEFAULT_LIMITS, beyond

_EXIT_BEYOND = 1

_percent = click.FloatRange(0)


@click.group(invoke_without_command=True)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="evidence to compare with  [default: what ships with velatune]",
)  # fmt: skip
@click.option(
    "--limit", type=_percent, metavar="PERCENT",
    help="of the mean error of whole programs, in each family  [default: what the model reaches]",
)  # fmt: skip
@click.option("--limit-worst", type=_percent, metavar="PERCENT", help="of the worst error of a whole program")
@json_option
@click.pass_context
def validate(
    context: click.Context, data: Path | None, limit: float | None, limit_worst: float | None, as_json: bool
) -> None:
    """Compare predicted cycles with what simulators and boards counted.

    \b
    Exit status:
      0  every error is within the limits
      1  some error is beyond a limit, which is told on standard error
      2  the evidence cannot be read, one line says why
    """
    if context.invoked_subcommand is not None:
        return
    evidence = read_evidence(SHIPPED if data is None else data)
    faults = beyond(evidence.comparisons, DEFAULT_LIMITS.of_programs(limit, limit_worst))
    if as_json:
        click.echo(json.dumps(validation_document(evidence, (), faults), indent=2))
    else:
        for line in (
            *row_tables(evidence.comparisons),
            *summary_tables(summary_of(evidence.comparisons)),
            *skipped_told(evidence.skipped.items()),
        ):
            click.echo(line)
    for fault in faults:
        click.echo(f"beyond the limit: {fault}", err=True)
    if faults:
        sys.exit(_EXIT_BEYOND)
