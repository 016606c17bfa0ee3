"""Whether the service is well."""

from __future__ import annotations

from fastapi import APIRouter, Security
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from results.service.http.access import BEARER
from results.service.http.problems import other_than_json, responses
from results.service.http.schemas import HealthJson, ReadyJson
from results.service.reads.asking import aside
from results.service.service import Served, Service

router = APIRouter(tags=["service"])


@router.get("/health", responses={429: responses()[429]})
async def health() -> HealthJson:
    """The process answers. The one route that takes no token."""
    return HealthJson(status="ok")


@router.get("/ready", responses=responses(503), dependencies=[Security(BEARER)])
async def ready(service: Served) -> ReadyJson:
    """The store and the service's own database answer."""
    await aside(_ask_both, service)
    return ReadyJson(status="ready")


@router.get("/metrics", **other_than_json("text/plain"), dependencies=[Security(BEARER)])
async def metrics(service: Served) -> PlainTextResponse:
    """For Prometheus."""
    return PlainTextResponse(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _ask_both(service: Service) -> None:
    service.store.bests.get("0" * 64)
    with service.state.read() as connection:
        connection.exec_driver_sql("SELECT 1")
