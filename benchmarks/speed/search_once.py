"""One search in one process without other workers.

So all that it costs is this process's CPU time.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.store.store import Store
from tuner.tuning.budget import Budget
from tuner.tuning.context import TuningContext
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.tune import tune
from workers import tasks
from workers.backend.job import Job
from workers.pool.shared import Enclosed
from workers.pool.worker_process import spare_the_collector

Result = TypeVar("Result")
Value = TypeVar("Value")
Arguments = TypeVarTuple("Arguments")


class OwnProcess:
    """In place of a pool: calls run here, one after the other.

    Attributes:
        asked: called with every call before it runs.
    """

    jobs = 1

    def __init__(self, asked: Callable[[Callable[..., Any], tuple[Any, ...]], None] = lambda *_: None) -> None:
        self._asked = asked

    def share(self, value: Value) -> Enclosed[Value]:
        """The value itself."""
        return Enclosed(value)

    async def run(self, function: Callable[[*Arguments], Result], *args: *Arguments, timeout_seconds: float) -> Result:
        """`function(*args)`, however long it takes."""
        self._asked(function, args)
        return function(*args)


@dataclass
class Searched:
    """What a search took, from its first candidate to its last.

    The check of the best after it is not included.

    Attributes:
        candidates: that were evaluated.
        programs: distinct ones among them.
        cpu_seconds: of the process, all that the search itself does included.
        seconds: by the clock.
    """

    candidates: int = 0
    programs: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0


class Watch(Progress):
    """Takes the times of one search."""

    def __init__(self, job: Job) -> None:
        super().__init__([job])
        self.searched = Searched()
        self._began = time.process_time(), time.perf_counter()
        self._programs: set[str] = set()

    def searching(self, *_: Any) -> None:
        self._began = time.process_time(), time.perf_counter()

    def evaluated(self, job: Job, evaluations: int, distinct: int, record: Evaluation, offered: bool) -> None:
        self._programs.add(record.program_hash)
        self.searched = Searched(
            self.searched.candidates + 1, len(self._programs), time.process_time() - self._began[0],
            time.perf_counter() - self._began[1],
        )  # fmt: skip

    def lowering(self, job: Job) -> None: ...

    def warning(self, job: Job, text: str) -> None: ...

    def done(self, job: Job, best: Best) -> None: ...


def search(job: Job, trials: int, pool: OwnProcess) -> Searched:
    """Search with studies and a store of its own; the job's cache folder is where it remembers programs."""
    tasks.warm_up()
    spare_the_collector()
    watch = Watch(job)
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db") as store:
        # A pool of one's own: it does what `tune` asks of one.
        context = TuningContext(pool, store, Path(folder) / "studies", watch)  # type: ignore[arg-type]
        asyncio.run(tune(job, Objective(), Budget(trials), context))
    return watch.searched


def cache_with_lowered(folder: Path, lowered: Path) -> Path:
    """A new cache folder in `folder` that has nothing but the lowered models of another."""
    cache = folder / "cache"
    cache.mkdir()
    lowered.mkdir(parents=True, exist_ok=True)
    (cache / "lowered").symlink_to(lowered)
    return cache
