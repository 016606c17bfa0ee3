"""What Ray does at its start that a pool has no use for. It has no options for these."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

#: Ray's own settings of a cluster that a pool starts.
SYSTEM_CONFIG = {
    # Else there is a worker process before there is anything to run; ours have an environment of their own, it is idle.
    "prestart_worker_first_driver": False,
    # By default 15: beside anything else on the machine, workers then get too little time to answer at all.
    "worker_niceness": 0,
}


@contextmanager
def workers_only() -> Iterator[None]:
    """Have `ray.init` start what actors need, and neither an autoscaler nor what serves and feeds Ray's own page.

    Such a Ray is up and gone again in 4 s instead of 7. It is the one of somebody who has installed Ray without the
    extras for that page.
    """
    from ray._private import utils
    from ray._private.node import Node

    def nothing(_: Node, **__: object) -> None:
        pass

    with (
        patch.object(Node, "start_monitor", nothing),
        patch.object(Node, "start_api_server", nothing),
        patch.object(utils, "get_dashboard_dependency_error", lambda: ImportError("not wanted")),
    ):
        yield


@contextmanager
def deaths_not_on_stdout() -> Iterator[None]:
    """Keep Ray from telling the driver's stdout, where `--json` goes, of every worker that dies.

    `log_to_driver` does not stop it. The thread that does it is started by `ray.init`; here it finds nothing to
    do.
    """
    from ray._private import worker

    with patch.object(worker, "listen_error_messages", lambda *_: None):
        yield


@contextmanager
def termination_as_before() -> Iterator[None]:
    """Keep Ray from taking over SIGTERM: its handler prints a stack of addresses."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
