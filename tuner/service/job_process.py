"""The process of one job of the service: tunes one model and leaves behind what `results.service.jobs.supervisor`
says."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from results.errors import StoreError
from results.records.best import Best
from results.records.evaluation import Evaluation
from results.reports.prediction_error import PredictionError
from results.store.store import Store
from search_space.errors import SpaceError
from search_space.termination import raise_at_sigterm
from tuner.crash_report import unexpected
from tuner.deploy.apply import applied
from tuner.paths import cache_folder, studies_folder
from tuner.tuning.budget import Budget
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.quality_limits import allowance_of
from tuner.tuning.session import Failure, tune_all
from tuner.tuning.tune import Tuned
from workers.backend.base import Base
from workers.backend.job import Job
from workers.backend.registry import backend_of, target_named
from workers.cache.atomic_write import write_whole
from workers.errors import ModelError

_GRACE_SECONDS = 30.0


class Events(Progress):
    """What a person would see goes to the log; programs get each event as a line of JSON."""

    def __init__(self, job: Job, path: Path) -> None:
        """Write the progress of a job as events.

        Args:
            job: the model and its target.
            path: of the file of events, one JSON object per line.
        """
        super().__init__([job])
        self._path = path

    def lowering(self, job: Job) -> None:
        super().lowering(job)
        self._write("lowering")

    def warning(self, job: Job, text: str) -> None:
        super().warning(job, text)
        self._write("warning", message=text)

    def searching(
        self, job: Job, default: Evaluation, base: Base, best_so_far: int | None, error: PredictionError | None
    ) -> None:
        super().searching(job, default, base, best_so_far, error)
        cycles = default.figures.cycles if default.figures else None
        self._write("searching", default_cycles=cycles, best_cycles=best_so_far or cycles, label="predicted")

    def evaluated(self, job: Job, evaluations: int, distinct: int, record: Evaluation, offered: bool) -> None:
        super().evaluated(job, evaluations, distinct, record, offered)
        cycles = record.figures.cycles if record.figures else None
        self._write(
            "evaluated", evaluations=evaluations, distinct=distinct, status=record.status, cycles=cycles,
            label="predicted", recipe=record.recipe,
        )  # fmt: skip

    def done(self, job: Job, best: Best) -> None:
        super().done(job, best)
        cycles = best.best.figures.cycles if best.best.figures else None
        self._write("best", identity=best.identity.key, recipe=best.recipe, cycles=cycles, label="predicted")

    def failed(self, job: Job, reason: str) -> None:
        super().failed(job, reason)
        self._write("failed", message=reason)

    def _write(self, event: str, **fields: object) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "time": round(time.time(), 3), **fields}) + "\n")


def main() -> None:
    """Do what the line on standard input says; end when standard input does."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    raise_at_sigterm()
    folder = Path(request["folder"])
    try:
        result = _tuned(request, folder)
    except (ModelError, SpaceError, StoreError) as error:
        result = {"error": str(error)}
    except Exception as error:
        result = {"error": unexpected(error, folder)}
    write_whole(folder / "result.json", json.dumps(result).encode())
    sys.exit(0 if "recipe" in result else 2)


def _tuned(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    target = target_named(request["target"], request["board"])
    # No metric: one is code, and nobody sends code.
    allowance = allowance_of(request["allow_requant"], request["allow_precision"])
    inputs = None if request["calibration_data"] is None else Path(request["calibration_data"])
    job = Job(request["model"], target, cache_folder(), request["seed"], inputs, request["io_layout"], allowance)
    objective = Objective(request["objective"], request["max_sram_bytes"], request["max_flash_bytes"], allowance)
    logs = cache_folder() / "logs"
    with Store.open(request["store"]) as store:
        (outcome,) = asyncio.run(
            tune_all(
                [job], objective, Budget(request["trials"], request["timeout_seconds"]), workers=os.cpu_count() or 1,
                address=None, store=store, studies=studies_folder(store.location), log_dir=logs,
                progress=Events(job, folder / "events.jsonl"),
            )
        )  # fmt: skip
        if isinstance(outcome, Failure):
            return {"error": outcome.reason}
        return {**_result(outcome), **_lowered(job, objective, outcome.best.recipe, store, folder, logs)}


def _result(tuned: Tuned) -> dict[str, Any]:
    return {"identity": tuned.best.identity.key, "recipe": tuned.best.recipe}


def _lowered(job: Job, objective: Objective, recipe: str, store: Store, folder: Path, logs: Path) -> dict[str, Any]:
    """Write the `.pte`, where there is a PyTorch model to make one from."""
    if not backend_of(job.target.backend).can_write(job):
        return {}
    try:
        asyncio.run(applied(job, objective, {recipe: folder / "model.pte"}, store, logs))
    except ModelError as error:
        return {"warning": f"there is no .pte: {error}"}
    return {}


def _end_with_the_service() -> None:
    """The service holds the other end of standard input; the kernel closes it when the service dies, somehow."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
