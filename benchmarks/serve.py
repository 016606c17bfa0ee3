"""Lookups over HTTP: how long one takes, and how many a core answers in a second.

    python -m benchmarks.serve [--bests 2000]

A service in a process of its own, one client with one connection, identities in random order. `first`: nothing of it
was asked since the store changed; `again`: the same questions once more. A core's rate is requests by processor time
that the service used (user and system), so that the client and whatever else the machine does are not in it; latencies
are the client's, and a busy machine shows in them.
"""

from __future__ import annotations

import argparse
import dataclasses
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

from rich import box
from rich.console import Console
from rich.table import Table

from results.records import Best, Evaluation, Figures, Identity, OperatorRow, Structure, Target, Versions
from results.store import Store

_TARGET = Target("ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram", "c0" * 32)
_VERSIONS = Versions("2.13.0", "0.18.0", "1.5.1", "5.1.0", "2026.5.0")
_FIGURES = Figures(
    cycles=353_502, stream_cycles=350_000, vela_cycles=360_000, host_cycles=3_502, transposes=2, transpose_cycles=9_000,
    npu_ops=40, host_ops=2, delegates=1, sram_bytes=131_072, flash_bytes=65_536, macs=2_700_000,
)  # fmt: skip
_ROWS = tuple(OperatorRow(0, f"operator_{i}", "Conv2D", "Conv2D", 8_000, 9_000) for i in range(40))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bests", type=int, default=2000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        with Store.open(path) as store:
            identities = [_identity(number) for number in range(arguments.bests)]
            for identity in identities:
                store.set_best(_best(identity))
        unknown = [_identity(arguments.bests + number) for number in range(arguments.bests)]
        later = [dataclasses.replace(one, search_space_version="2") for one in identities]
        table = Table(title=f"POST /v1/lookup, {arguments.bests:,} bests, each asked for once", box=box.MARKDOWN)
        for heading in ("answer", "p50 ms", "p99 ms", "CPU ms", "per second and core"):
            table.add_column(heading, justify="left" if heading == "answer" else "right")
        with _service(path) as (process, port):
            _measure("miss", unknown[:300], process, port)  # warm
            for name, asked in (("hit", identities), ("stale", later), ("miss", unknown[300:])):
                random.Random(0).shuffle(asked)
                for time_ in ("first", "again"):
                    table.add_row(f"{name}, {time_}", *_measure(name, asked, process, port))
    Console(width=100).print(table)


def _identity(number: int) -> Identity:
    hashed = f"{number:064x}"
    return Identity(
        hashed, f"model-{number}", _TARGET, "int8", _VERSIONS, "1", "stream cycles", structure=Structure(hashed, hashed)
    )


def _best(identity: Identity) -> Best:
    def evaluated(recipe: str) -> Evaluation:
        return Evaluation(identity.key, recipe, recipe, "ok", figures=_FIGURES, verified=True, operators=_ROWS)

    recipe = "sink-moves,settle-moves,table@agreed,channels-into-weights,plan-moves{interior=true},widen-conv@1+3"
    return Best(identity, evaluated("default"), evaluated(recipe), recipe, 200, 120, 60.0, "trials", 0)


@contextmanager
def _service(store: Path) -> Iterator[tuple[int, int]]:
    """Process id and port."""
    command = [sys.executable, "-m", "tuner.cli", "serve", "--store", str(store), "--port", "0", "--rate", "1e9"]
    with (store.parent / "log").open("w+") as log:
        process = subprocess.Popen(command, stderr=log)
        try:
            while process.poll() is None:
                whole = (store.parent / "log").read_text().rpartition("\n")[0]
                said = [json.loads(line) for line in whole.splitlines()]
                ports = [line["port"] for line in said if line["event"] == "listening"]
                if ports:
                    yield process.pid, ports[0]
                    return
                time.sleep(0.1)
            raise RuntimeError("the service did not start")
        finally:
            process.terminate()
            process.wait()


def _measure(name: str, asked: list[Identity], process: int, port: int) -> tuple[str, ...]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    bodies = [json.dumps(identity.to_json()) for identity in asked]
    taken, cpu = [], _cpu_seconds(process)
    for body in bodies:
        started = time.perf_counter()
        connection.request("POST", "/v1/lookup", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        taken.append(1000 * (time.perf_counter() - started))
        if answer["answer"] != name:
            raise RuntimeError(f"{name} was expected, not {answer}")
    cpu = _cpu_seconds(process) - cpu
    taken.sort()
    p50, p99 = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
    return f"{p50:.2f}", f"{p99:.2f}", f"{1000 * cpu / len(asked):.2f}", f"{len(asked) / cpu:,.0f}"


def _cpu_seconds(process: int) -> float:
    """User and system time of a process and its threads so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
