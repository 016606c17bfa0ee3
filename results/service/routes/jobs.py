"""Jobs: start, cancel, follow."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import FileResponse, StreamingResponse
from starlette.exceptions import HTTPException

from results.service.http.problems import other_than_json, responses
from results.service.http.schemas import JobJson, JobRequestJson, JobsJson
from results.service.jobs.events import EVENTS, follow
from results.service.jobs.jobs import ENDED, Job, QueueFull
from results.service.reads.asking import aside
from results.service.routes.results import Key
from results.service.service import Served, Service, Submitter
from results.service.tokens import Role
from results.service.uploads import MODEL_KINDS

router = APIRouter(prefix="/v1", tags=["jobs"])

Id = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="id of a job")]


@router.get("/jobs", responses=responses(422, 503))
async def list_jobs(
    service: Served,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> JobsJson:
    """All jobs, the newest first."""
    return JobsJson(jobs=[_json(job) for job in await aside(service.jobs.newest, limit, offset)])


@router.post("/jobs", status_code=202, responses=responses(400, 413, 422, 503))
async def start_job(request: JobRequestJson, principal: Submitter, service: Served) -> JobJson:
    """Tune a model for a target as soon as there is room. 429 when too many jobs wait."""
    refusal = service.backend.refusal(request.target, request.board, request.objective)
    if refusal:
        raise HTTPException(422, f"body.{refusal}")
    await aside(_check_files, service, request)
    try:
        job = await aside(service.jobs.add, request.model_dump(), principal.id, service.limits.queued_jobs)
    except QueueFull:
        raise HTTPException(429, "too many jobs wait; try again later", {"Retry-After": "60"}) from None
    service.supervisor.wake()
    return _json(job)


@router.get("/jobs/{id}", responses=responses(404, 422, 503))
async def job(id: Id, service: Served) -> JobJson:
    """A job and how far it is."""
    return _json(await aside(_found, service, id))


@router.delete("/jobs/{id}", status_code=202, responses=responses(404, 409, 422, 503))
async def cancel_job(id: Id, principal: Submitter, service: Served) -> JobJson:
    """Stop a job; what it has found so far is kept. Only who started it may, or an administrator."""
    found = await aside(_found, service, id)
    if found.owner != principal.id and principal.role < Role.admin:
        raise HTTPException(403, "this job is another token's; an administrator may stop it")
    if found.state in ENDED:
        raise HTTPException(409, f"the job is {found.state} already")
    await aside(service.jobs.ask_to_cancel, id)
    service.supervisor.cancel(id)
    return _json(await aside(_found, service, id))


_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "number of the event, for Last-Event-ID", "pattern": "^[0-9]+$"},
        "event": {"type": "string", "enum": [*EVENTS, "end", "damaged"]},
        "data": {"type": "string", "description": "a JSON object; of `end` the job"},
    },
    "required": ["event", "data"],
    "additionalProperties": False,
}


@router.get("/jobs/{id}/events", **other_than_json("text/event-stream", 404, 422, 503, schema=_EVENT))
async def job_events(
    id: Id,
    service: Served,
    last_event_id: Annotated[str, Header(description="the last event that was seen", pattern="^[0-9]{1,9}$")] = "0",
) -> StreamingResponse:
    """Progress as server-sent events, from the beginning or after the last one seen; the last is `end`.

    `lowering`, `searching`, `evaluated`, `best`, `warning`, `failed`: each with a JSON object. They outlive a
    restart of the service: connect again and go on.
    """
    await aside(_found, service, id)

    def last() -> str | None:
        now = _found(service, id)
        return _json(now).model_dump_json() if now.state in ENDED else None

    path = service.jobs.folder(id) / "events.jsonl"
    events = follow(path, int(last_event_id), last)
    return StreamingResponse(events, media_type="text/event-stream")


@router.get("/results/{identity}/model.pte", **other_than_json("application/octet-stream", 404, 422, 503))
async def model_pte(identity: Key, service: Served) -> FileResponse:
    """The `.pte` that a job of this service lowered by the best recipe."""
    path = await aside(pte_of, service, identity)
    if path is None:
        raise HTTPException(404, "no .pte by the best recipe is kept; a job makes one")
    return FileResponse(path, media_type="application/octet-stream", filename=f"{identity[:16]}.pte")


def pte_of(service: Service, identity: str) -> FilePath | None:
    """Where the `.pte` lies that the best recipe of an identity came to.

    Args:
        service: its jobs and results.
        identity: key of the identity.

    Returns:
        The file's path; None if no job made one, or a better recipe was found since.
    """
    job = service.jobs.of_identity(identity)
    best = service.store.bests.get(identity)
    if job is None or best is None:
        return None
    folder = service.jobs.folder(job.id)
    try:
        recipe = json.loads((folder / "result.json").read_text(encoding="utf-8"))["recipe"]
    except (OSError, ValueError, KeyError):
        return None
    path = folder / "model.pte"
    # A better recipe may have been found since.
    return path if recipe == best.recipe and path.is_file() else None


def _check_files(service: Service, request: JobRequestJson) -> None:
    known = request.model in service.backend.models
    if request.model.startswith("upload:"):
        upload = service.uploads.find(request.model.removeprefix("upload:"))
        known = upload is not None and upload.kind in MODEL_KINDS
    if not known:
        raise HTTPException(422, "body.model: no such model; GET /v1/models lists them, POST /v1/models takes more")
    if request.calibration_data is not None:
        upload = service.uploads.find(request.calibration_data.removeprefix("upload:"))
        if upload is None or upload.kind in MODEL_KINDS:
            raise HTTPException(422, "body.calibration_data: no such inputs; POST /v1/models?kind=npz takes them")


def _found(service: Service, id: str) -> Job:
    job = service.jobs.find(id)
    if job is None:
        raise HTTPException(404, "no such job")
    return job


def _json(job: Job) -> JobJson:
    shown = {name: getattr(job, name) for name in JobJson.model_fields if name != "request"}
    return JobJson(request=JobRequestJson(**job.request), **shown)
