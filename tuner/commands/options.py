"""Options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from tuner.deploy.board_options import BoardOptions
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective, objective_kinds
from tuner.tuning.quality_limits import allowance_of
from workers.backend.registry import backends, of_first_backend
from workers.checking.allowance import DEFAULT_LOSS_DB
from workers.models.exported.io_layout import IoLayout

Command = Callable[..., Any]


def _fill_from_board(context: click.Context, parameter: click.Parameter, named: str | None) -> None:
    """Make the facts of a board the defaults of the options that the command has."""
    if named is None or context.resilient_parsing:
        return
    facts: dict[str, Any] = dict(
        of_first_backend(
            lambda backend: backend.preset(named, cache_folder() / "boards"),
            f"--board {named}: no backend that is installed has boards",
        )
    )
    facts["targets"] = [facts["target"]]
    taken = {one.name for one in context.command.params}
    filled = {name: fact for name, fact in facts.items() if name in taken and fact is not None}
    context.default_map = {**(context.default_map or {}), **filled}


def board_options(command: Command) -> Command:
    """Facts of the board, named as users of the families' toolchains know them.

    The command gets `BoardOptions` as `board`.
    """
    facts = {one.name: one for backend in backends().values() for one in backend.board_options}

    @wraps(command)
    def with_board(*arguments: Any, **options: Any) -> Any:
        said = {name: options.pop(name) for name in facts}
        board = BoardOptions({name: value for name, value in said.items() if value is not None})
        return command(*arguments, board=board, **options)

    wrapped: Command = with_board
    for fact in reversed(facts.values()):
        wrapped = click.option(_option(fact.name), metavar=fact.metavar, help=fact.help)(wrapped)
    return click.option(
        "--board",
        metavar="NAME|FILE.TOML",
        is_eager=True,
        expose_value=False,
        callback=_fill_from_board,
        help="take --target, limits and the options above from a preset; velatune boards lists them",
    )(wrapped)


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


class FiniteRange(click.FloatRange):
    """A number in a range; neither infinity nor `nan`, which no comparison would stop."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        number: float = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"'{value}' is no finite number", parameter, context)
        return number


#: Seconds, days or rates.
ABOVE_ZERO = FiniteRange(0, min_open=True)


class _Decibels(click.ParamType):
    """A number, not negative. Told from a MODEL that follows an option whose number was left out."""

    name = "decibels"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        try:
            decibels = float(value)
        except ValueError:
            self.fail(f"'{value}' is no number of dB; leave it out at the end or before another option", parameter)
        if not 0 <= decibels < math.inf:
            self.fail("must not be negative", parameter)
        return decibels


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _loss_option(name: str, what: str) -> Callable[[Command], Command]:
    return click.option(
        name, type=_Decibels(), is_flag=False, flag_value=str(DEFAULT_LOSS_DB), metavar="[DB]",
        help=f"also try {what}, if the signal-to-quantisation-noise ratio on the calibration inputs is at most DB "
        f"below the default's  [default: {DEFAULT_LOSS_DB}]",
    )  # fmt: skip


def objective_options(command: Command) -> Command:
    """What is minimised within which limits; the command gets an `Objective` as `objective`."""

    @wraps(command)
    def with_objective(
        *arguments: Any, objective: str | None, max_sram: int | None, max_flash: int | None,
        allow_requant: float | None, allow_precision: float | None, metric: str | None, min_metric: float | None,
        min_sqnr: float | None, **others: Any,
    ) -> Any:  # fmt: skip
        allowance = allowance_of(allow_requant, allow_precision, metric, min_metric, min_sqnr, spelt=_option)
        return command(*arguments, objective=Objective(objective, max_sram, max_flash, allowance), **others)

    kinds = objective_kinds()
    wrapped: Command = with_objective
    for option in (
        click.option(
            "--min-metric", type=FiniteRange(), metavar="V", help="what --metric must give for a candidate, at least"
        ),
        click.option(
            "--metric", metavar="FILE.PY:FUNCTION", help="measures candidates instead of the ratio (docs/exactness.md)"
        ),
        click.option(
            "--min-sqnr", type=_Decibels(), metavar="DB",
            help="the signal-to-quantisation-noise ratio that a candidate must reach, instead of a limit on the loss",
        ),
        _loss_option("--allow-precision", "int4 weights and int16 activations, and what rounds otherwise"),
        _loss_option("--allow-requant", "what rounds otherwise"),
        click.option("--max-flash", type=click.IntRange(1), metavar="BYTES", help="limit of weights and commands"),
        click.option(
            "--max-sram", type=click.IntRange(1), metavar="BYTES",
            help="limit of peak SRAM  [default: a tenth or 4 KiB more than the default lowering's]",
        ),
        click.option(
            "--objective", type=click.Choice(list(kinds)), show_default="the first that the target's family has",
            help="; ".join(f"{name}: {minimised}" for name, minimised in kinds.items()),
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


def _examples() -> str:
    """Names of targets, one of each family."""
    return " or ".join(one.example for one in backends().values())


def target_option(command: Command) -> Command:
    return click.option("--target", required=True, metavar="NAME", help=f"such as {_examples()}")(command)


def stream_target_option(command: Command) -> Command:
    return click.option(
        "--target",
        metavar="NPU",
        help="such as ethos-u55-128; what to compile a .tosa for, what another file is expected to be for",
    )(command)


def state_option(command: Command) -> Command:
    return click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="the service's tokens, uploads and jobs  [default: beside a store that is a file]",
    )(command)
