"""How long a lookup over HTTP takes in a store of a million evaluations. Also how many lookups a core answers in a
second.

    python -m benchmarks.store.serve [--requests 2000] [--models 2500]

The store is that of `benchmarks.store.lookup`. The service runs in a process of its own, its client on one connection.
`first`: questions that were not asked since the store changed; `again`: the same ones once more. A core's rate is
requests by processor time that the service used (user and system). So the client and whatever else the machine does are
not in it. Latencies are the client's, and a busy machine shows in them. The aims: 99 of 100 in 5 ms, and 1,000 a
second.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.store.lookup import MODELS, evaluations_of, fill, questions
from benchmarks.store.postgresql import server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000, help="of each kind")
    parser.add_argument("--models", type=int, default=MODELS, help="so many; 400 evaluations each")
    asked = parser.parse_args()
    requests = asked.requests
    table = Table(
        title=f"POST /v1/lookup, {evaluations_of(asked.models):,} evaluations, {requests:,} requests of each kind"
    )
    for heading in ("database", "answer", "p50 ms", "p99 ms", "CPU ms", "per second and core"):
        table.add_column(heading, justify="left" if heading in ("database", "answer") else "right")
    with tempfile.TemporaryDirectory(prefix="velatune-serve-") as folder, server() as url:
        for database, where in (("SQLite", str(Path(folder) / "store.sqlite")), ("PostgreSQL", url)):
            fill(where, asked.models)
            with _service(where, Path(folder) / database) as (process, port):
                for kind, ask in questions(random.Random(1), asked.models).items():
                    bodies = [json.dumps(ask().to_json()) for _ in range(requests + 50)]
                    name = kind.__name__.lower()
                    _measure(name, bodies[:50], process, port)  # the first ones fill caches
                    for again in ("first", "again"):
                        table.add_row(database, f"{name}, {again}", *_measure(name, bodies[50:], process, port))
    Console(width=110).print(table)


@contextmanager
def _service(store: str, state: Path) -> Iterator[tuple[int, int]]:
    """Process id and port."""
    command = [sys.executable, "-m", "tuner.cli", "serve", "--store", store, "--state", str(state), "--port", "0"]
    log = state.with_suffix(".log")
    with log.open("w") as written:
        process = subprocess.Popen([*command, "--rate", "1e9"], stderr=written)
        try:
            while process.poll() is None:
                whole = log.read_text().rpartition("\n")[0]
                ports = [said["port"] for said in map(json.loads, whole.splitlines()) if said["event"] == "listening"]
                if ports:
                    yield process.pid, ports[0]
                    return
                time.sleep(0.1)
            raise RuntimeError(f"the service did not start: {log.read_text()}")
        finally:
            process.terminate()
            process.wait()


def _measure(expected: str, bodies: list[str], process: int, port: int) -> tuple[str, ...]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    taken, cpu = [], _cpu_seconds(process)
    for body in bodies:
        started = time.perf_counter()
        connection.request("POST", "/v1/lookup", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        taken.append(1000 * (time.perf_counter() - started))
        if answer["answer"] != expected:
            raise RuntimeError(f"{expected} was expected, not {answer}")
    cpu = max(_cpu_seconds(process) - cpu, 1e-3)
    taken.sort()
    p50, p99 = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
    return f"{p50:.2f}", f"{p99:.2f}", f"{1000 * cpu / len(bodies):.2f}", f"{len(bodies) / cpu:,.0f}"


def _cpu_seconds(process: int) -> float:
    """User and system time of a process and its threads so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
