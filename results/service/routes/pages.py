"""The page: what is known, for people. Works without scripts; with them tables can be sorted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment
from starlette.exceptions import HTTPException

from results.records.families import units_of
from results.records.identity import changed
from results.reports import report
from results.reports.scatter import Axis
from results.service.backend import Backend
from results.service.http.schemas import LineJson, RegressionJson
from results.service.reads.answers import explained_of, line_json, regression_json
from results.service.reads.asking import aside
from results.service.routes.jobs import pte_of
from results.service.routes.results import Key, Part
from results.service.service import Served, Service
from results.store.listings import Line

router = APIRouter(include_in_schema=False)

_PER_PAGE = 200
_STATIC = {
    "style.css": ("style.css", "text/css"),
    "service.css": ("service/service.css", "text/css"),
    "tables.js": ("tables.js", "text/javascript"),
    "icon.svg": ("service/icon.svg", "image/svg+xml"),
}


@router.get("/")
async def overview(
    service: Served, model: Part = "", target: Part = "", offset: Annotated[int, Query(ge=0, le=10**9)] = 0
) -> HTMLResponse:
    return HTMLResponse(await aside(_overview, service, model, target, offset))


@router.get("/regressions")
async def regressions(service: Served) -> HTMLResponse:
    found = await aside(service.store.listings.regressions, 0.0, _PER_PAGE)
    pairs = [regression_json(*pair, service.backend) for pair in found]
    return HTMLResponse(_render("service/regressions.html.j2", service.backend, pairs=pairs, changed=_changed))


@router.get("/jobs")
async def jobs(service: Served) -> HTMLResponse:
    newest = await aside(service.jobs.newest, _PER_PAGE)
    labels = {f"upload:{one.sha256}": one.file_name for one in await aside(service.uploads.all)}
    shown = [(job, labels.get(job.request["model"], job.request["model"])) for job in newest]
    return HTMLResponse(_render("service/jobs.html.j2", service.backend, jobs=shown))


@router.get("/results/{identity}")
async def result(identity: Key, service: Served) -> HTMLResponse:
    return HTMLResponse(await aside(_result, service, identity))


@router.get("/static/{name}")
async def static(name: str) -> Response:
    if name not in _STATIC:
        raise HTTPException(404, "no such file")
    path, kind = _STATIC[name]
    return Response(_file(path), media_type=kind, headers={"Cache-Control": "max-age=300"})


def _changed(pair: RegressionJson) -> list[str]:
    """In which versions the two differ."""
    return [f"{name} {was} → {now}" for name, was, now in changed(_parts(pair.before), _parts(pair.after))]


def _overview(service: Service, model: str, target: str, offset: int) -> str:
    lines, total = service.store.listings.newest(model, target, _PER_PAGE, offset)

    def link(to: int) -> str:
        return "/?" + urlencode({"model": model, "target": target, "offset": to})

    boards = {(line.target, _board(line)) for line in lines}
    several = {target for target, count in Counter(target for target, _ in boards).items() if count > 1}
    return _render(
        "service/overview.html.j2", service.backend,
        lines=[(line_json(line, service.backend), _board(line) if line.target in several else "") for line in lines],
        total=total,
        labels=sorted({line.label for line in lines}), units=units_of(line.family for line in lines),
        target_names=service.store.listings.target_names(),
        asked={"model": model, "target": target, "offset": offset},
        before=link(max(0, offset - _PER_PAGE)) if offset else None,
        after=link(offset + _PER_PAGE) if offset + len(lines) < total else None,
    )  # fmt: skip


def _parts(line: Line | LineJson) -> dict[str, str]:
    """All that its toolchain consists of."""
    return {**line.versions, "search space": line.search_space_version}


def _board(line: Line) -> str:
    """What tells apart results that have model and accelerator in common."""
    return ", ".join([*line.facts.values(), *(["NHWC"] if line.io_layout == "nhwc" else [])])


def _result(service: Service, identity: str) -> str:
    best = service.store.bests.get(identity)
    if best is None:
        raise HTTPException(404, "no best is known for this identity")
    explained, pareto = explained_of(service.store, best, service.backend)
    series = service.store.listings.series(identity)
    same_name, _ = service.store.listings.newest(best.identity.model_name, "", _PER_PAGE, 0)
    here = {line.identity for line in series}
    parts = list(dict.fromkeys(name for line in series for name in _parts(line)))
    beside = report.ReportExtras(
        explained.laws, fronts=[pareto], without=explained.without,
        measurements=service.store.measurements.all(best.identity.target),
    )  # fmt: skip
    return _render(
        "service/result.html.j2", service.backend,
        **report.report_context(best, beside),
        layout="service/page.html.j2",
        parts=parts,
        history=[
            line_json(line, service.backend).model_dump() | {"parts": dict.fromkeys(parts, "") | _parts(line)}
            for line in series
        ],
        history_axis=Axis.over(cycles for line in series for cycles in (line.default_cycles, line.best_cycles)),
        others=[one for one in same_name if one.model == best.identity.model_name and one.identity not in here],
        has_pte=pte_of(service, identity) is not None,
    )  # fmt: skip


def _render(template: str, backend: Backend, **said: Any) -> str:
    versions = {name: version for one in backend.toolchains.values() for name, version in one.items()}
    return _environment().get_template(template).render(versions=list(versions.items()), **said)


@cache
def _environment() -> Environment:
    environment = report.environment().overlay()
    environment.filters = {**environment.filters, "age": _age, "seconds_ago": _seconds_ago}
    return environment


def _seconds_ago(stamp: str) -> int:
    return int((datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds())


def _age(stamp: str) -> str:
    """How long ago a UTC time is, in one unit."""
    seconds = _seconds_ago(stamp)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now"


@cache
def _file(path: str) -> bytes:
    return (FilePath(report.__file__).with_name("templates") / path).read_bytes()
