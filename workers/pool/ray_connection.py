"""Joins the driver to Ray: to one that is started on this machine, or to a running cluster."""

import logging
import os
import socket

from workers.pool.failures import PoolFailed
from workers.pool.ray_start import SYSTEM_CONFIG, deaths_not_on_stdout, termination_as_before, workers_only

# Ray gives its own processes 30 s, which a busy machine may take longer for.
_RAY_START_ATTEMPTS = 3
_REACH_SECONDS = 10.0
# Ray's default is a third of the machine's memory. What passes through here are TOSA programs and results.
_OBJECT_STORE_BYTES = 512 * 2**20


def connect(address: str | None, jobs: int) -> bool:
    """Start Ray on this machine, or join a running cluster.

    Args:
        address: of the cluster, `auto` or host:port; None to start one.
        jobs: processors of one that is started.

    Returns:
        Whether this started or joined one that `ray.shutdown` must leave again. False where this process had joined
        one before.

    Raises:
        PoolFailed: there is no cluster at the address, it refuses, or Ray does not start.
    """
    # Read when ray is imported or started. Nothing is to be reported to anyone.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if ray.is_initialized():
        return False
    if address is None:
        attempts = _RAY_START_ATTEMPTS
        what, advice = "Ray does not start on this machine", "; try again when the machine is less busy"
        where = {
            "address": "local",
            "num_cpus": jobs,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "include_dashboard": False,
            "_system_config": SYSTEM_CONFIG,
        }
    else:
        attempts = 1
        # `ray start` asks for a token where it finds one; a driver with an address sends one only if it is asked to.
        token = "; if its nodes ask for a token, set RAY_AUTH_MODE=token (docs/sweep.md)"
        what, advice = f"cannot join the Ray cluster at {address}", "" if "RAY_AUTH_MODE" in os.environ else token
        where = {"address": address}
        _check_reachable(address, what)
    while True:
        attempts -= 1
        try:
            with workers_only(), deaths_not_on_stdout(), termination_as_before():
                ray.init(log_to_driver=False, logging_level=logging.ERROR, **where)
        except Exception as error:  # Ray raises bare ones, as where its processes do not answer in time
            if not attempts:
                raise PoolFailed(f"{what}: {one_line(error).rstrip('.')}{advice}") from error
            ray.shutdown()
        else:
            return True


def _check_reachable(address: str, what: str) -> None:
    """Ray itself knocks for a quarter of an hour."""
    if address == "auto":
        return
    host, separator, port = address.rpartition(":")
    if not (separator and host and port.isdecimal()) or "/" in host:
        raise PoolFailed(f"{what}: an address is host:port, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise PoolFailed(f"{what}: {one_line(error)}") from error


def one_line(message: object) -> str:
    """A message as text without line breaks."""
    return " ".join(str(message).split())
