"""Modules as people write them are tuned, or refused in one line where stock ExecuTorch does not lower them either.

`make model-fuzz MODELS=500` tries more of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.correctness.model_fuzz.generate import generated
from benchmarks.correctness.model_fuzz.judge import Judged, judge

#: As many as some 300 s of CPU are enough for, since ExecuTorch's lowering takes seconds. Those of a batch share
#: processes, and no batch holds up the end of all tests.
MODELS, BATCH, WRITTEN_EVERY = 30, 10, 10


@pytest.mark.slow
@pytest.mark.timeout(3600)  # for a hang: a machine with other work takes many times the CPU's time
@pytest.mark.parametrize("first", range(0, MODELS, BATCH))
def test_random_modules_are_tuned_as_stock_executorch_lowers_them(first: int, tmp_path: Path) -> None:
    async def run() -> list[Judged]:
        models = [generated(seed) for seed in range(first, first + BATCH)]
        return [one async for one in judge(models, tmp_path, trials=2, seconds=5, written_every=WRITTEN_EVERY)]

    judged = asyncio.run(run())
    assert [(one.model.text, one.reason) for one in judged if one.came_to == "finding"] == []
    assert Counter(one.came_to for one in judged)["tuned"] >= BATCH // 2


def test_a_model_follows_from_its_seed_and_runs() -> None:
    for seed in range(40):
        model = generated(seed)
        assert model == generated(seed)
        scope: dict[str, object] = {}
        exec(model.text, scope)
        net, example, *_ = scope["float_net"]()  # type: ignore[operator]
        net(*example)
