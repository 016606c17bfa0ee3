"""Runs jobs, each in a process of its own: whatever happens to one, the service goes on.

The process reads one JSON object in a line on its standard input: `store`, `folder` (its own, for what it leaves
behind), `cwd`-relative `source`, and the request's fields. The input stays open for as long as the service lives. When
it ends, so does the process. So a service that was killed leaves no process running. In its folder it leaves

    events.jsonl    progress, one JSON object per line with an `event`
    result.json     at the end: `identity`, `recipe`; or `error`, one line
    model.pte       lowered by the best recipe, where there is one
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from results.service.backend import Backend
from results.service.http.limits import Limits
from results.service.http.telemetry import Metrics, tell
from results.service.jobs.jobs import Job, Jobs
from results.service.uploads import Uploads

_LOOK_SECONDS = 1.0
_GRACE_SECONDS = 20.0


class Supervisor:
    """Runs the jobs of one service: `run` takes them from the queue until it is cancelled."""

    def __init__(
        self, jobs: Jobs, uploads: Uploads, backend: Backend, limits: Limits, metrics: Metrics, store: str
    ) -> None:
        """Supervise a queue; `run` starts its jobs.

        Args:
            jobs: the queue.
            uploads: files that jobs name.
            backend: the command that runs a job.
            limits: how many jobs run at a time.
            metrics: counts jobs by what became of them.
            store: what the job's process opens as the store.
        """
        self._jobs, self._uploads, self._backend, self._metrics = jobs, uploads, backend, metrics
        self._most, self._store = limits.running_jobs, store
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cancel: dict[str, asyncio.Event] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def cancel(self, id: str) -> None:
        """Stop a job's process, if it has one."""
        if id in self._cancel:
            self._cancel[id].set()

    async def run(self) -> None:
        """Start what waits while there is room."""
        await asyncio.to_thread(self._jobs.recover)
        try:
            while True:
                self._woken.clear()
                try:
                    await self._start()
                except Exception:  # the database may be locked, or the disk full: later it may not be
                    logging.getLogger(__name__).exception("starting jobs failed")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._woken.wait()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _start(self) -> None:
        while len(self._running) < self._most:
            job = await asyncio.to_thread(self._jobs.start_next)
            if job is None:
                break
            self._cancel[job.id] = asyncio.Event()
            self._running[job.id] = asyncio.create_task(self._run_job(job))
        for state, count in (await asyncio.to_thread(self._jobs.counts)).items():
            self._metrics.jobs.labels(state).set(count)

    async def _run_job(self, job: Job) -> None:
        try:
            # Between its start in the database and its event here, a cancellation found nothing to set.
            marked = await asyncio.to_thread(self._jobs.find, job.id)
            if marked is not None and marked.state == "cancelling":
                self.cancel(job.id)
            await self._run_process(job)
        except asyncio.CancelledError:
            self._jobs.put_back(job.id)
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("a job failed")
            await asyncio.to_thread(self._jobs.end, job.id, "failed", f"it could not be run: {type(error).__name__}")
        finally:
            del self._running[job.id], self._cancel[job.id]
            self.wake()

    async def _run_process(self, job: Job) -> None:
        folder = self._jobs.folder(job.id)
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "result.json").unlink(missing_ok=True)
        request = {**job.request, "store": self._store, "folder": str(folder)}
        cwd = folder
        sha256 = job.request["model"].removeprefix("upload:")
        if sha256 != job.request["model"]:
            upload = await asyncio.to_thread(self._uploads.find, sha256)
            if upload is None:
                await asyncio.to_thread(self._jobs.end, job.id, "failed", "its model file was deleted")
                return
            cwd, request["model"] = self._uploads.folder(sha256), upload.file_name
        if request.get("calibration_data") is not None:
            inputs = await asyncio.to_thread(self._uploads.find, request["calibration_data"].removeprefix("upload:"))
            if inputs is None:
                await asyncio.to_thread(self._jobs.end, job.id, "failed", "its calibration inputs were deleted")
                return
            request["calibration_data"] = str(self._uploads.path(inputs))
        tell("job started", job=job.id, attempt=job.attempts, by=job.owner)
        code = await self._exit_code(job, request, cwd, folder / "log.txt")
        cancelled = self._cancel[job.id].is_set()
        state, reason, identity = _outcome(folder / "result.json", code, cancelled)
        await asyncio.to_thread(self._jobs.end, job.id, state, reason, identity)
        tell("job ended", job=job.id, state=state, reason=reason)

    async def _exit_code(self, job: Job, request: Mapping[str, Any], cwd: Path, log: Path) -> int:
        """Its exit code. The process group is gone when this returns, or when it is cancelled."""
        with log.open("ab") as written:
            process = await asyncio.create_subprocess_exec(
                *self._backend.job_command, cwd=cwd, start_new_session=True,
                stdin=asyncio.subprocess.PIPE, stdout=written, stderr=written,
            )  # fmt: skip
        assert process.stdin is not None
        ended = asyncio.create_task(process.wait())
        cancelled = asyncio.create_task(self._cancel[job.id].wait())
        try:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                await process.stdin.drain()
            await asyncio.wait((ended, cancelled), return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()
            _signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_SECONDS):
                    await asyncio.shield(ended)
            _signal(process.pid, signal.SIGKILL)
        return await ended


def _signal(group: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, what)


def _outcome(result: Path, code: int, cancelled: bool) -> tuple[Any, str, str | None]:
    """State, reason and identity of a job whose process has ended."""
    try:
        found = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    identity = found.get("identity")
    if "recipe" in found:
        return "done", str(found.get("warning", "")), identity
    if cancelled:
        return "cancelled", "", identity
    how = f"its process was killed by signal {-code}" if code < 0 else f"its process ended with status {code}"
    return "failed", str(found.get("error", how)), identity
