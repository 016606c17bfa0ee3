"""The command that a hint names is the one whose result was asked for."""

import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from search_space.exactness import Exactness
from tuner.commands.options import board_options, model_options, objective_options, store_option, target_option
from tuner.deploy.how_to_tune import how_to_tune
from tuner.tuning.objective import Objective
from workers.backend.job import Job
from workers.checking.allowance import Allowance, Metric
from workers.ethos_u.target import Target


@click.command()
@click.argument("model")
@target_option
@board_options
@objective_options
@model_options
@store_option
def asked(**reported: Any) -> dict[str, Any]:
    """What `velatune tune` understands; its own options are these."""
    return reported


HERE = f"{Path(__file__)}:measure"
BOARD = ("ethos-u65-256", "Ethos_U65_Mid_End", "Sram_Only")


@pytest.mark.parametrize(
    ("objective", "board", "options"),
    [
        (Objective(), ("ethos-u55-128",), {}),
        (Objective("vela", 100_000, 2**20), BOARD, {"seed": 3, "store_url": "a new.sqlite"}),
        (Objective(allowance=Allowance(Exactness.REQUANTISING, 0.25)), BOARD, {"io_layout": "nhwc"}),
        (Objective(allowance=Allowance(Exactness.PRECISION)), BOARD, {"calibration_data": Path("my data.npz")}),
        (Objective(allowance=Allowance(Exactness.REQUANTISING, metric=Metric.of(HERE, -0.5))), BOARD, {}),
    ],
)
def test_the_command_asks_for_the_same(objective: Objective, board: tuple[str, ...], options: dict[str, Any]) -> None:
    of_the_job = {name: value for name, value in options.items() if name != "store_url"}
    job = Job("net.py:make", Target.parse(*board), Path("cache"), **{"seed": 0, **of_the_job})
    words = shlex.split(how_to_tune(job, objective, options.get("store_url")))
    assert words[:3] == ["velatune", "tune", "net.py:make"]
    reported = asked.main(words[2:], standalone_mode=False)
    assert reported["board"].target(reported["target"]) == job.target
    assert reported["objective"] == objective
    defaults = {"seed": 0, "io_layout": None, "calibration_data": None, "store_url": None}
    assert {name: reported[name] for name in defaults} == {**defaults, **options}


def test_what_is_the_default_is_not_said() -> None:
    job = Job("fire", Target.parse("ethos-u85-256"), Path("cache"), 0)
    assert how_to_tune(job, Objective(), None) == "velatune tune fire --target ethos-u85-256"
