"""A model whose default lowering Vela miscompiles is tuned in few trials."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.programs.npu_programs import Program

from benchmarks.speed.search_once import OwnProcess
from results.store.store import Store
from search_space.recipe.seed_recipes import SEED_RECIPES
from search_space.tosa_file.writer import write_tosa
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.search_loop import workarounds_first
from tuner.tuning.tune import tune
from workers import tasks
from workers.backend.job import Job
from workers.ethos_u.target import Target


def attention() -> bytes:
    """Products of queries and keys of two heads, both slices of one fused projection."""
    p = Program()
    fused = p.conv(p.transpose(p.input(1, 24, 1, 10), 0, 2, 3, 1), 3 * 2 * 24)
    heads = p.transpose(p.reshape(fused, 1, 10, 3, 2, 24), 2, 0, 3, 1, 4)
    queries, keys = (p.reshape(p.slice(heads, (at, 0, 0, 0, 0), (1, 1, 2, 10, 24)), 2, 10, 24) for at in range(2))
    return write_tosa(p.graph(p.matmul(queries, p.transpose(keys, 0, 2, 1))))


def test_the_plainest_workaround_is_tried_first(tmp_path: Path) -> None:
    (tmp_path / "attention.tosa").write_bytes(attention())
    job = Job(str(tmp_path / "attention.tosa"), Target.parse("ethos-u55-128"), tmp_path / "cache", seed=0)
    tasks.warm_up()
    with Store.open(tmp_path / "store.db") as store:
        found = asyncio.run(
            tune(job, Objective(), Budget(2), TuningContext(OwnProcess(), store, tmp_path / "studies", Progress([job])))  # type: ignore[arg-type]
        )
        tried = [one.recipe for one in store.evaluations.of(found.best.identity.key)]
    assert found.best.default.status == "wrong"
    assert "copy-sliced-operand" in tried
    assert found.best.best.checked_whole


def test_the_order_of_the_other_starts_stays() -> None:
    starts = ("sink-transposes,copy-sliced-operand", "fuse-transposes", "copy-reshaped-operand,copy-sliced-operand")
    assert workarounds_first(starts, "ethos-u") == (starts[2], *starts[:2])
    assert workarounds_first(SEED_RECIPES, "ethos-u") == (SEED_RECIPES[-1], *SEED_RECIPES[:-1])


def test_each_family_says_what_is_a_workaround() -> None:
    starts = ("drop-clones,row-along-height@1", "drop-unused-constants", "row-along-height@1+2,drop-unused-constants")
    assert workarounds_first(starts, "cortex-m") == (starts[2], *starts[:2])
    assert workarounds_first(starts, "vulkan") == starts
