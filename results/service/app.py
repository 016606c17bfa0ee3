"""The application: routes behind the gate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI, Security

from results.service.http import problems
from results.service.http.access import BEARER, Authenticator
from results.service.http.gate import Gate
from results.service.http.limits import Rate
from results.service.routes import health as routes_health
from results.service.routes import jobs as routes_jobs
from results.service.routes import models as routes_models
from results.service.routes import pages as routes_pages
from results.service.routes import results as routes_results
from results.service.service import Service

_ABOUT = """Best known ways of lowering PyTorch models for Arm Ethos-U NPUs.

Send a token with every request: `Authorization: Bearer vt_...`. A token's role is `read`, `submit` or `admin`.
Every number of cycles carries a label that says whether it is predicted, simulated or measured."""


def create_app(service: Service, loopback_reads: bool) -> FastAPI:
    """The ASGI application of a service.

    Args:
        service: its parts.
        loopback_reads: whether this machine's own users may read without a token.

    Returns:
        The application; while it runs, so does the supervisor of jobs.
    """

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        supervising = asyncio.create_task(service.supervisor.run())
        yield
        supervising.cancel()
        await asyncio.wait((supervising,))
        await service.asking.close()

    app = _Described(
        lifespan=running,
        title="velatune", description=_ABOUT, version=_version(), openapi_url="/v1/openapi.json",
        docs_url=None, redoc_url=None,  # these pages would load scripts from the internet
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the log and /metrics tell all there is
    )  # fmt: skip
    app.state.service = service
    problems.install(app)
    app.include_router(routes_health.router)
    for router in (routes_results.lookups, *(each.router for each in (routes_results, routes_models, routes_jobs))):
        app.include_router(router, dependencies=[Security(BEARER)])
    app.include_router(routes_pages.router)
    app.add_middleware(
        Gate,
        authenticator=Authenticator(service.tokens, loopback_reads),
        rate=Rate(service.limits.requests_per_second, time.monotonic),
        metrics=service.metrics,
        body_bytes=service.limits.body_bytes,
    )
    return app


class _Described(FastAPI):
    """What the service says of itself."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document. Reading takes no token where this machine's own users may read, so none is required."""
        described = super().openapi()
        for path, operations in described["paths"].items():
            for method, operation in operations.items():
                reads = method == "get" or path == "/v1/lookup"
                if reads and "security" in operation and {} not in operation["security"]:
                    operation["security"].append({})
        return described


def _version() -> str:
    try:
        return version("velatune")
    except PackageNotFoundError:  # run from its sources
        return "0"
