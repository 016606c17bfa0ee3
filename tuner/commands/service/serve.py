"""`velatune serve`"""

from __future__ import annotations

import gc
from functools import partial
from pathlib import Path

import click

from results.store.store import Store
from results.store.tiers import Tiers
from search_space.termination import Terminated
from tuner.commands.options import ABOVE_ZERO, state_option, store_option, system_store_option


@click.command()
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="to listen on; 0.0.0.0 for all of the machine's")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, help="0 for any that is free; the log says which")
@store_option
@system_store_option
@state_option
@click.option("--require-token", is_flag=True, help="for reads from this machine as well")
@click.option(
    "--rate", type=ABOVE_ZERO, default=100.0, metavar="PER_SECOND",
    help="requests of one token, or of one address without token",
)  # fmt: skip
@click.option("--upload-mib", type=click.IntRange(1), default=256, help="most that a model file may have, in MiB")
@click.option("--queue", type=click.IntRange(1), default=100, help="jobs that may wait")
@click.option("--jobs", type=click.IntRange(1), default=1, help="jobs that run at a time; each uses all cores")
def serve(
    host: str, port: int, store_url: str | None, system_url: str | None, state: Path | None, require_token: bool,
    rate: float, upload_mib: int, queue: int, jobs: int,
) -> None:  # fmt: skip
    """Serve results over HTTP, with a page for people.

    Whatever changes something takes a token (see `velatune token`), and so does every request from another machine. The
    log is JSON lines on stderr. See docs/service.md.
    """
    # The web server's packages are for this command only.
    from results.service.app import create_app
    from results.service.http.limits import Limits
    from results.service.http.telemetry import log_json, tell
    from results.service.serve import listen, server_of
    from results.service.service import Service
    from results.service.state import State
    from results.service.tokens import TokenBook
    from tuner.paths import service_folder
    from tuner.service.backend import Toolchain

    log_json()
    with Tiers.open(store_url, system_url) as stores:
        store = stores.user
        kept = State((state or service_folder(store.location)).absolute())
        with kept.serving():
            limits = Limits(
                requests_per_second=rate, upload_bytes=upload_mib * 2**20, queued_jobs=queue, running_jobs=jobs
            )
            service = Service.over(stores, _for_others(store, store_url), kept, TokenBook(kept), Toolchain(), limits)
            bound = listen(host, port)
            address, actual = bound.getsockname()[:2]
            app = create_app(service, loopback_reads=not require_token)
            ready = partial(tell, "listening", address=address, port=actual, state=str(kept.folder))
            gc.freeze()  # what is imported by now stays: no request waits for the collector to go through it
            try:
                server_of(app, ready).run(sockets=[bound])
            except KeyboardInterrupt:
                # The log is JSON lines to its end, and has that already.
                raise SystemExit(130) from None
            except Terminated as ended:
                raise SystemExit(ended.code) from None
        kept.close()


def _for_others(store: Store, given: str | None) -> str:
    """The store as a process with another working folder opens it."""
    return given if given and "://" in store.location else str(Path(store.location).absolute())
