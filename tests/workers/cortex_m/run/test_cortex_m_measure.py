"""`velatune measure`: what a runner counted is stored beside what was predicted."""

import asyncio
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.samples.nets_to_run import ABSOLUTE

from benchmarks.speed.search_once import OwnProcess
from results.store.store import Store
from tuner.cli import cli
from tuner.paths import cache_folder
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import tune
from workers.backend.job import Job
from workers.cortex_m.target import Target
from workers.errors import ModelError

BOARD = """
import pathlib, sys
import numpy as np
folder = pathlib.Path(sys.argv[-1])
np.abs(np.fromfile(folder / "input0.bin", "int32")).tofile(folder / "output0.bin")
print('{"instructions": 1234}')
"""


@pytest.mark.slow
def test_what_a_runner_counted_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "net.py").write_text(ABSOLUTE)
    (tmp_path / "board.py").write_text(BOARD)
    job = Job(f"{tmp_path}/net.py:absolute", Target.parse("cortex-m4"), cache_folder(), seed=0)
    runner = f"{sys.executable} {tmp_path}/board.py"
    asked = ["measure", job.source, "--target", "cortex-m4", "--store", str(tmp_path / "own.sqlite")]
    asked += ["--runner", runner, "--device", "desk", "--label", "measured"]
    untuned = CliRunner().invoke(cli, asked).exception
    assert isinstance(untuned, ModelError) and "nothing is known of" in str(untuned)
    with Store.open(str(tmp_path / "own.sqlite")) as store:
        context = TuningContext(OwnProcess(), store, tmp_path / "studies", Progress([job]))  # type: ignore[arg-type]
        best = asyncio.run(tune(job, Objective(), Budget(1), context)).best
        said = CliRunner().invoke(cli, asked)
        assert said.exit_code == 0, said.output
        assert "1,234 instructions (measured)" in said.output and best.recipe in said.output
        (measurement,) = store.measurements.all()
    assert best.best.figures is not None
    assert measurement.predicted_cycles == best.best.figures["instructions"]
    assert (measurement.cycles, measurement.label, measurement.device) == (1234, "measured", "desk")
    assert measurement.target == best.identity.target
