"""Serving an application over a socket."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from results.errors import StoreError

_CONNECTIONS = 512
"""At a time; more are answered with 503."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 for any that is free.

    Args:
        host: a name or an address; one with a colon is of IPv6.
        port: 0 for any that is free.

    Returns:
        A socket that listens; the caller closes it.

    Raises:
        StoreError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise StoreError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    return found


def server_of(app: FastAPI, ready: Callable[[], None]) -> uvicorn.Server:
    """What serves an application when it is run, until SIGINT or SIGTERM.

    Args:
        app: the application.
        ready: called when requests are taken.

    Returns:
        The server; it is not started.
    """
    config = uvicorn.Config(
        app,
        # Peers are who they are: a header can say anything.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=15,
        # Followers of a job's events would hold the service up for ever.
        timeout_graceful_shutdown=3,
        ws="none",
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
