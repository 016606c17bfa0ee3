"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from tuner.objective import Kind, Objective
from workers.io_layout import IoLayout

Command = Callable[..., Any]


def board_options(command: Command) -> Command:
    """Facts of the board, named as ExecuTorch's and Vela's users know them."""
    for option in (
        click.option(
            "--vela-config",
            metavar="FILE",
            help="Vela configuration file (.ini)  [default: Vela's Arm/vela.ini]",
        ),
        click.option("--memory-mode", metavar="NAME", help="Memory_Mode of the configuration  [default: ExecuTorch's]"),
        click.option(
            "--system-config",
            metavar="NAME",
            help="System_Config of the configuration  [default: ExecuTorch's]",
        ),
    ):
        command = option(command)
    return command


def model_options(command: Command) -> Command:
    """What decides, besides the model, which program is lowered."""
    for option in (
        click.option(
            "--io-layout", type=click.Choice(get_args(IoLayout)),
            help="how the caller's rank-4 inputs lie in memory  [default: as the model is exported]",
        ),
        click.option("--seed", type=click.IntRange(0), default=0, help="of search and random inputs"),
        click.option(
            "--calibration-data", type=click.Path(path_type=Path), metavar="PATH",
            help="inputs to quantise on: a .pt, .npy or .npz file, or a folder of them",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def objective_options(command: Command) -> Command:
    """What is minimised within which limits; the command gets an `Objective` as `objective`."""

    @wraps(command)
    def with_objective(
        *arguments: Any, objective: Kind, max_sram: int | None, max_flash: int | None, **others: Any
    ) -> Any:
        return command(*arguments, objective=Objective(objective, max_sram, max_flash), **others)

    wrapped: Command = with_objective
    for option in (
        click.option("--max-flash", type=click.IntRange(1), metavar="BYTES", help="limit of weights and commands"),
        click.option(
            "--max-sram", type=click.IntRange(1), metavar="BYTES",
            help="limit of peak SRAM  [default: the default lowering's and a tenth]",
        ),
        click.option(
            "--objective", type=click.Choice(get_args(Kind)), default="stream", show_default=True,
            help="cycles of what is in the command stream, Vela's estimate, or the worse ratio of both",
        ),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return wrapped


def store_option(command: Command) -> Command:
    return click.option(
        "--store",
        "store_url",
        metavar="URL",
        help="results store: a file or database URL  [default: the user's own]",
    )(command)


def system_store_option(command: Command) -> Command:
    return click.option(
        "--system-store",
        "system_url",
        metavar="URL",
        help="a store under the user's that is only read: shipped, or a team's",
    )(command)


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="print JSON for machines")(command)


def target_option(command: Command) -> Command:
    return click.option("--target", required=True, metavar="NPU", help="such as ethos-u55-128 or ethos-u85-256")(
        command
    )
