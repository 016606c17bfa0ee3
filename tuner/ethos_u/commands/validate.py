"""`velatune validate`"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from results.store.store import Store
from tuner.commands.options import FiniteRange, json_option, store_option
from tuner.ethos_u.commands.validate_add import add
from tuner.ethos_u.validation.document import validation_document
from tuner.ethos_u.validation.host_text import host_tables
from tuner.ethos_u.validation.own_measurements import device_lines, own_comparisons
from tuner.ethos_u.validation.summary import summary_of
from tuner.ethos_u.validation.text import row_tables, skipped_lines, summary_tables
from workers.ethos_u.cost.evidence import SHIPPED, Evidence, read_evidence
from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.limits import DEFAULT_LIMITS, beyond

_EXIT_BEYOND = 1

_percent = FiniteRange(0)


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
@store_option
@json_option
@click.pass_context
def validate(
    context: click.Context, data: Path | None, limit: float | None, limit_worst: float | None, store_url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Compare predicted cycles with what simulators and boards counted.

    Your own measurements come from `velatune validate add`. They are shown beside the evidence that ships, and no limit
    holds for them.

    \b
    Exit status:
      0  every error is within the limits
      1  some error is beyond a limit, which is printed on standard error
      2  the evidence cannot be read, one line says why
    """
    if context.invoked_subcommand is not None:
        return
    evidence = read_evidence(SHIPPED if data is None else data)
    own: list[Comparison] = []
    if data is None:
        with Store.open(store_url) as store:
            own = own_comparisons(store)
    faults = beyond(evidence.comparisons, evidence.host, DEFAULT_LIMITS.of_programs(limit, limit_worst))
    if as_json:
        click.echo(json.dumps(validation_document(evidence, own, faults), indent=2))
    else:
        _print(evidence, own)
    for fault in faults:
        click.echo(f"beyond the limit: {fault}", err=True)
    if faults:
        sys.exit(_EXIT_BEYOND)


def _print(evidence: Evidence, own: Sequence[Comparison]) -> None:
    for line in (
        *row_tables(evidence.comparisons),
        *summary_tables(summary_of(evidence.comparisons)),
        *host_tables(evidence.host),
        *skipped_lines(evidence.skipped.items()),
    ):
        click.echo(line)
    if own:
        click.echo("\nyour own measurements:")
        for line in (*row_tables(own), *device_lines(own)):
            click.echo(line)


validate.add_command(add)
