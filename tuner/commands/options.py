"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

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
        click.option("--seed", type=click.IntRange(0), default=0, help="of search and random inputs"),
        click.option(
            "--calibration-data", type=click.Path(path_type=Path), metavar="PATH",
            help="inputs to quantise on: a .pt, .npy or .npz file, or a folder of them",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def store_option(command: Command) -> Command:
    return click.option(
        "--store",
        "store_url",
        metavar="URL",
        help="results store: a file or database URL  [default: the user's own]",
    )(command)


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="print JSON for machines")(command)


def target_option(command: Command) -> Command:
    return click.option("--target", required=True, metavar="NPU", help="such as ethos-u55-128 or ethos-u85-256")(
        command
    )
