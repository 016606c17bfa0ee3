"""Of candidates that the estimate does not tell apart, the one with the smallest file is stored."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.speed.search_once import OwnProcess
from results.store.store import Store
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import tune
from workers import tasks
from workers.backend.job import Job
from workers.cortex_m.target import Target

#: Without the dropout's clone it takes fewer instructions by any compiler. As a convolution, its linear layer takes
#: fewer by GCC alone, and a larger file.
NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.dropout, self.second = nn.Conv2d(3, 16, 3), nn.Dropout(), nn.Conv2d(16, 16, 3)
        self.last = nn.Linear(64, 32)

    def forward(self, x):
        return self.last(self.second(self.dropout(self.first(x))).flatten(2))

def net():
    torch.manual_seed(0)
    return Net().eval(), (torch.randn(1, 3, 12, 12),)
"""

#: The starting points of a search, both ways of the linear layer among them.
_TRIALS = 5


@pytest.mark.slow
def test_the_smallest_file_of_those_indistinguishable_from_the_cheapest_is_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.py").write_text(NET)
    job = Job(f"{tmp_path}/net.py:net", Target.parse("cortex-m55"), tmp_path / "cache", seed=0)
    tasks.warm_up()
    with Store.open(tmp_path / "store.sqlite") as store:
        context = TuningContext(OwnProcess(), store, tmp_path / "studies", Progress([job]))  # type: ignore[arg-type]
        best = asyncio.run(tune(job, Objective(), Budget(_TRIALS), context)).best
        found = {one.recipe: one.figures for one in store.evaluations.of(best.identity.key) if one.figures is not None}
    stored = best.best.figures
    assert stored is not None and "linear-to-convolution" not in best.recipe
    cheapest_recipe, cheapest = min(found.items(), key=lambda one: one[1]["instructions"])
    assert cheapest["instructions"] < stored["instructions"] < found["default"]["instructions"]
    assert stored.flash_bytes < cheapest.flash_bytes
    assert stored["decided_instructions"] == stored["instructions"], "what is reported is the offered file's number"
    said = f"{cheapest['instructions']:,} instructions by {cheapest_recipe} are within the error"
    assert said in capsys.readouterr().err
    assert best.status != "interrupted", "it replaces what was stored while the search ran"
    assert stored.flash_bytes == min(one.flash_bytes for one in found.values())
    assert best.best.checked_whole
