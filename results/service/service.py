"""What routes work with: one object for each service, in the application's state."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, TypeVar

from anyio import to_thread
from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from results.service.access import Principal
from results.service.backend import Backend
from results.service.jobs import Jobs
from results.service.limits import Limits
from results.service.remembered import Answered, Remembered
from results.service.state import State
from results.service.supervisor import Supervisor
from results.service.telemetry import Metrics
from results.service.tokens import Role, TokenBook
from results.service.uploads import Uploads
from results.store import Store
from results.tiers import Tiers

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Service:
    """The parts of a running service."""

    stores: Tiers
    state: State
    tokens: TokenBook
    backend: Backend
    limits: Limits
    metrics: Metrics
    jobs: Jobs
    uploads: Uploads
    supervisor: Supervisor
    remembered: Remembered

    @property
    def store(self) -> Store:
        """The one whose results are listed and shown. A store under it is for lookups only."""
        return self.stores.user

    async def answered(self, function: Callable[_P, Answered], *of: _P.args, **named: _P.kwargs) -> Answered:
        """What a lookup gives; in another thread only where that does not take longer than the lookup."""
        return function(*of, **named) if self.remembered.at_hand else await aside(function, *of, **named)

    @classmethod
    def over(
        cls, stores: Tiers, store_url: str, state: State, tokens: TokenBook, backend: Backend, limits: Limits
    ) -> Service:
        """A service over stores and a state folder. store_url: what another process opens as the
        user's store."""
        metrics, jobs, uploads = Metrics(), Jobs(state), Uploads(state, backend, limits)
        supervisor = Supervisor(jobs, uploads, backend, limits, metrics, store_url)
        return cls(
            stores, state, tokens, backend, limits, metrics, jobs, uploads, supervisor, Remembered(stores.changes)
        )


async def _service(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served = Annotated[Service, Depends(_service)]


def needs(role: Role) -> Callable[[Request], Coroutine[Any, Any, Principal]]:
    """For routes that change something: who asks, if that is enough. Reading is the gate's to allow."""

    async def checked(request: Request) -> Principal:
        principal = request.state.principal
        assert isinstance(principal, Principal)
        if principal.role < role:
            raise HTTPException(403, f"this takes a token with the role {role.name}")
        return principal

    return checked


Submitter = Annotated[Principal, Depends(needs(Role.submit))]


async def aside(function: Callable[_P, _R], *arguments: _P.args, **named: _P.kwargs) -> _R:
    """Run what waits for a disk or a database in a thread: the loop goes on serving others."""
    return await to_thread.run_sync(functools.partial(function, *arguments, **named))
