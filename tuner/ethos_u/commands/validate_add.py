"""`velatune validate add`"""

from __future__ import annotations

from pathlib import Path

import click

from results.store.store import Store
from tuner.commands.options import board_options, store_option
from tuner.deploy.board_options import BoardOptions
from tuner.ethos_u.validation.counted_runs import CountedRun, counted_runs
from tuner.ethos_u.validation.own_measurements import device_lines, measurements_of, own_comparisons
from workers.errors import ModelError
from workers.ethos_u.cost.evidence.comparison import Label


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="PROGRAM|ROWS.CSV")
@click.option("--device", metavar="NAME", help="what you call the board or simulator")
@click.option(
    "--label", type=click.Choice(["simulated", "measured"]), help="counted by a simulator, or on hardware"
)  # fmt: skip
@click.option("--cycles", type=click.IntRange(1), metavar="N", help="of the NPU in one inference")
@click.option(
    "--log", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="what ExecuTorch's arm_executor_runner printed, instead of --cycles",
)  # fmt: skip
@click.option("--vela-cycles", type=click.IntRange(1), metavar="N", help="Vela's own estimate, if you know it")
@click.option("--source", metavar="TEXT", help="where the number comes from")
@board_options
@store_option
def add(
    file: Path, device: str | None, label: Label | None, cycles: int | None, log: Path | None, vela_cycles: int | None,
    source: str | None, board: BoardOptions,
    store_url: str | None,
) -> None:  # fmt: skip
    """Add what your board or simulator counted for a program.

    PROGRAM is a .pte, .tflite or .cs file, or a CSV file with many programs.

    A later measurement of the same program on the same device takes the place of an earlier one.
    """
    if file.suffix == ".csv":
        if device or label or cycles or log or vela_cycles or source or board:
            raise ModelError(f"{file}: a CSV file has all of it in its columns; leave the options out")
        runs = counted_runs(file)
    else:
        if label is None or not device:
            raise ModelError(f"{file}: say what ran it with --device NAME and --label simulated or measured")
        runs = [
            CountedRun(
                file, device, label, cycles, log, board, vela_cycles,
                source or "",
            )
        ]  # fmt: skip
    measurements = measurements_of(runs)
    with Store.open(store_url) as store:
        changed = store.measurements.record_all(measurements)
        lines = list(device_lines(own_comparisons(store)))
    click.echo(f"{changed} added or changed, {len(measurements) - changed} known before")
    for line in lines:
        click.echo(line)
