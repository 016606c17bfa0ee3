"""What routes work with: one object for each service, in the application's state."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from results.service.backend import Backend
from results.service.http.access import Principal
from results.service.http.limits import Limits
from results.service.http.telemetry import Metrics
from results.service.jobs.jobs import Jobs
from results.service.jobs.supervisor import Supervisor
from results.service.reads.asking import Asking
from results.service.reads.lookup_cache import LookupCache
from results.service.state import State
from results.service.tokens import Role, TokenBook
from results.service.uploads import Uploads
from results.store.store import Store
from results.store.tiers import Tiers


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
    asking: Asking
    lookup_cache: LookupCache

    @property
    def store(self) -> Store:
        """The one whose results are listed and shown. A store under it is for lookups only."""
        return self.stores.user

    @classmethod
    def over(
        cls, stores: Tiers, store_url: str, state: State, tokens: TokenBook, backend: Backend, limits: Limits
    ) -> Service:
        """A service over stores and a state folder.

        Args:
            stores: what lookups are answered from.
            store_url: what another process opens as the user's store.
            state: the folder of jobs, tokens and uploads.
            tokens: those that the service knows.
            backend: of the families of targets.
            limits: what the service takes.

        Returns:
            The service; no job runs until its supervisor does.
        """
        metrics, jobs, uploads = Metrics(), Jobs(state), Uploads(state, backend, limits)
        supervisor = Supervisor(jobs, uploads, backend, limits, metrics, store_url)
        asking = Asking(stores)
        lookup_cache = LookupCache(asking.marks)
        return cls(stores, state, tokens, backend, limits, metrics, jobs, uploads, supervisor, asking, lookup_cache)


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
