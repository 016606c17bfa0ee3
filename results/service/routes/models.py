"""Files that jobs may name, models and calibration inputs, and sending more of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from results.service.http.access import Principal
from results.service.http.problems import responses
from results.service.http.schemas import BuiltInJson, ModelsJson, UploadJson
from results.service.reads.asking import aside
from results.service.service import Served, Submitter, needs
from results.service.tokens import Role
from results.service.uploads import Kind, Upload

router = APIRouter(prefix="/v1", tags=["models"])

Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file")]
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get("/models", responses=responses(503))
async def list_models(service: Served) -> ModelsJson:
    """What a job may name as its model, or as calibration inputs."""
    built_in = [BuiltInJson(model=name, description=text) for name, text in service.backend.models.items()]
    kept = await aside(service.uploads.all)
    return ModelsJson(built_in=built_in, uploads=[_json(one) for one in kept])


@router.post(
    "/models",
    status_code=201,
    responses=responses(408, 413, 415, 422, 503, 507),
    openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
)
async def send_model(
    request: Request,
    principal: Submitter,
    service: Served,
    kind: Annotated[Kind, Query(description="what the file is")],
    label: Annotated[str, Query(max_length=200, description="a name for people")] = "model",
) -> UploadJson:
    """Send a model file, or calibration inputs for one, as the bytes of the body. Another process reads it, and nothing
    of it is run.

    Sending the same file again gives the same answer.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > service.limits.upload_bytes:
        # Before the first byte: who asks first (Expect: 100-continue) need not send it all.
        raise HTTPException(413, f"a file has at most {service.limits.upload_bytes:,} bytes")
    try:
        kept = await service.uploads.receive(request.stream(), kind, label, principal.id)
    except HTTPException as error:
        service.metrics.uploads.labels(str(error.status_code)).inc()
        raise
    service.metrics.uploads.labels("kept").inc()
    return _json(kept)


@router.get("/models/{sha256}", responses=responses(404, 422, 503))
async def model(sha256: Sha256, service: Served) -> UploadJson:
    """What is known of a file that was sent."""
    return _json(_found(await aside(service.uploads.find, sha256)))


@router.delete("/models/{sha256}", status_code=204, responses=responses(404, 422, 503))
async def delete_model(
    sha256: Sha256, service: Served, _: Annotated[Principal, Depends(needs(Role.admin))]
) -> Response:
    """Delete a file that was sent. Jobs that wait for it will fail; results stay."""
    _found(await aside(service.uploads.find, sha256))
    await aside(service.uploads.remove, sha256)
    return Response(status_code=204)


def _found(upload: Upload | None) -> Upload:
    if upload is None:
        raise HTTPException(404, "no such file")
    return upload


def _json(upload: Upload) -> UploadJson:
    return UploadJson(
        model=f"upload:{upload.sha256}", label=upload.label, kind=upload.kind, size_bytes=upload.size_bytes,
        created=upload.created, **upload.described,
    )  # fmt: skip
