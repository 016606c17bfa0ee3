"""Looking things up: bests, results, what toolchains did over time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from results.lookup.answer_json import LookupJson
from results.records.best import Best
from results.records.identity import Identity
from results.reports.report import ReportExtras, report_html
from results.service.http.problems import other_than_json, responses
from results.service.http.schemas import LinesJson, RegressionsJson, ResultJson
from results.service.reads.answers import (
    answer_of_key,
    explained_of,
    line_json,
    regression_json,
    result_json,
)
from results.service.reads.asking import aside
from results.service.reads.lookup_cache import Answered
from results.service.routes.lookup_route import LookupRoute
from results.service.service import Served, Service

router = APIRouter(prefix="/v1", tags=["results"])
lookups = APIRouter(prefix="/v1", tags=["results"], route_class=LookupRoute)

Key = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="key of an identity")]
Part = Annotated[str, Query(max_length=200)]

_EXAMPLE = {
    "model_hash": "5f0c6d2b9a0e4b1c8d7f3e2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c",
    "model_name": "mlperf-tiny/ds-cnn",
    "target": {
        "family": "ethos-u",
        "name": "ethos-u55-128",
        "facts": {
            "system_config": "Ethos_U55_High_End_Embedded",
            "memory_mode": "Shared_Sram",
            "vela_config": "Arm/vela.ini",
        },
    },
    "quantisation": {"scheme": "int8 symmetric per-channel", "calibrated_on": "its own inputs"},
    "versions": {
        "torch": "2.13.0",
        "torchao": "0.18.0",
        "executorch": "1.5.1",
        "ethos-u-vela": "5.1.0",
        "tosa-tools": "2026.5.0",
    },
    "search_space_version": "11",
    "objective": {"minimised": "stream cycles", "stream_model": "3", "host_model": "2"},
    "io_layout": "nchw",
}


@lookups.post("/lookup", response_model=LookupJson, responses=responses(400, 413, 422, 503))
async def look_up(identity: Annotated[Identity, Body(examples=[_EXAMPLE])], service: Served) -> Answered:
    """The best that is known for an identity; never tunes.

    A hit, a stale one (other versions), the nearest (another model of the same structure), or a miss.
    """
    return await service.asking.look_up(identity)


@lookups.get("/lookup/{identity}", response_model=LookupJson, responses=responses(422, 503))
async def look_up_key(identity: Key, service: Served) -> Answered:
    """The best for the identity with this key: a hit or a miss."""
    return await service.asking.run(answer_of_key, service.store, identity)


@router.get("/bests", responses=responses(422, 503))
async def list_bests(
    service: Served,
    model: Part = "",
    target: Part = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> LinesJson:
    """The newest best of each model (named so, or in part) and target, by name."""
    lines, total = await aside(service.store.listings.newest, model, target, limit, offset)
    return LinesJson(bests=[line_json(line, service.backend) for line in lines], total=total)


@router.get("/regressions", responses=responses(422, 503))
async def list_regressions(
    service: Served,
    percent: Annotated[float, Query(ge=0, le=1e6, description="only those that cost more than so much more")] = 0.0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> RegressionsJson:
    """Bests that cost more than the one before them, of the same model and target, newest first."""
    pairs = await aside(service.store.listings.regressions, percent, limit)
    return RegressionsJson(regressions=[regression_json(*pair, service.backend) for pair in pairs])


@router.get("/results/{identity}", responses=responses(404, 422, 503))
async def result(identity: Key, service: Served) -> ResultJson:
    """A best with its operators, its recipe element by element, the front and its history."""
    best = await aside(_best, service, identity)
    return await aside(result_json, service.store, best, service.backend)


@router.get("/results/{identity}/report.html", **other_than_json("text/html", 404, 422, 503))
async def report(identity: Key, service: Served) -> HTMLResponse:
    """The report as one file to keep: it needs nothing else to be read."""
    best = await aside(_best, service, identity)
    html = await aside(_report, service, best)
    # Its style and script are in it; its origin is nobody's, so that what is in it can ask nothing of this service.
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; sandbox allow-scripts"
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


def _report(service: Service, best: Best) -> str:
    explained, pareto = explained_of(service.store, best, service.backend)
    return report_html(best, ReportExtras(explained.laws, fronts=[pareto], without=explained.without))


def _best(service: Service, identity: str) -> Best:
    best = service.store.bests.get(identity)
    if best is None:
        raise HTTPException(404, "no best is known for this identity")
    return best
