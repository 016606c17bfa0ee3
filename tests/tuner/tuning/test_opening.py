"""A backend's fault is found before a model is lowered, and searches are not charged for what others lower."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.toy_backend.toy_backend import Toy, ToyMerge, ToyTarget

from benchmarks.speed.search_once import OwnProcess
from results.store.store import Store
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from tuner.search.search_clock import SearchClock
from tuner.tuning.context import TuningContext
from tuner.tuning.opening import check_passes, opened
from tuner.tuning.progress import Progress
from workers import tasks
from workers.backend import registry
from workers.backend.job import Job
from workers.backend.registry import backends
from workers.backend.settings import SettingStatus
from workers.errors import ModelError

NET = """
import torch

def make():
    return torch.nn.ReLU(), (torch.ones(1, 4),)
"""


class Unregistered(Toy):
    """Its package has no entry point for the pass."""

    def passes(self, allowed: Exactness) -> list[RecipePass]:
        return [ToyMerge()]


def test_a_pass_without_an_entry_point_is_named() -> None:
    with pytest.raises(ModelError, match="the backend toy lists the pass toy-merge, which recipes cannot name"):
        check_passes(Unregistered(), Exactness.EXACT)


@pytest.mark.parametrize("family", backends())
def test_recipes_can_name_the_passes_of_every_family(family: str) -> None:
    for allowed in Exactness:
        check_passes(backends()[family], allowed)


class WithSettings(Toy):
    """Its toolchain has two settings, neither of which gives another program."""

    def open_settings(self, job: Any, base: Any) -> list[tuple[tuple[str, str], ...]]:
        return [(("order", "forwards"),), (("order", "backwards"),)]

    def setting_status(self, job: Any, base: Any, setting: Any) -> SettingStatus:
        return SettingStatus("refused", "the same program")


class Watched(OwnProcess):
    """Two workers, which take up a call when all that are made at once have been made. seen: for each call, how much of
    two seconds counted as seconds of search."""

    jobs = 2

    def __init__(self) -> None:
        super().__init__()
        self.wall = 0.0
        self.clock = SearchClock(self.jobs, lambda: self.wall)
        self.seen: list[tuple[Callable[..., Any], float]] = []

    async def run(self, function: Any, *args: Any, timeout_seconds: float) -> Any:
        await asyncio.sleep(0)
        before = self.clock.seconds
        self.wall += 2
        self.seen.append((function, self.clock.seconds - before))
        return await super().run(function, *args, timeout_seconds=timeout_seconds)


class OnItsClock(TuningContext):
    """The clock of searches is the pool's own."""

    @property
    def clock(self) -> SearchClock:
        return self.pool.clock  # type: ignore[attr-defined]


def test_each_worker_that_lowers_is_missing_to_searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.setattr(registry, "backends", lambda: {"toy": WithSettings()})
    monkeypatch.setattr("search_space.recipe.registry.passes", lambda: {"toy-merge": ToyMerge, "toy-wrong": ToyMerge})
    job: Job[Any] = Job(f"{tmp_path / 'net.py'}:make", ToyTarget("toy-1"), tmp_path / "cache", 0)
    pool = Watched()
    with Store.open(str(tmp_path / "store.sqlite")) as store:
        context = OnItsClock(pool, store, tmp_path / "studies", Progress([job]))  # type: ignore[arg-type]
        asyncio.run(opened(job, context))
    one, both = 1.0, 0.0
    assert pool.seen == [(tasks.prepare, one), (tasks.enter, both), (tasks.enter, one)]
