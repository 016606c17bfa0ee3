"""A toolchain of small scripts, to see what the service does when one crashes, hangs or talks nonsense."""

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from results.reports.pareto import Limits as FrontLimits
from results.service.app import create_app
from results.service.backend import Explained
from results.service.http.limits import Limits
from results.service.serve import listen, server_of
from results.service.service import Service
from results.service.state import State
from results.service.tokens import TokenBook
from results.store.tiers import Tiers
from support.samples.sample_results import IDENTITY

#: What a job does is written among the facts of its board.
JOB = """
import json, os, signal, sys, time
reported = json.loads(sys.stdin.readline())
folder = reported["folder"]
def write(name, text):
    with open(os.path.join(folder, name), "a") as file:
        file.write(text)
write("events.jsonl", json.dumps({"event": "lowering"}) + "\\n")
what = reported["board"].get("what")
if what == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
if what == "nonsense":
    write("result.json", "{")
if what == "error":
    write("result.json", '{"error": "it does not fit"}')
if what == "wait":
    write("pid", str(os.getpid()))
    sys.stdin.read()
    os._exit(0)
if what is None:
    write("result.json", json.dumps({"identity": "0" * 64, "recipe": "default"}))
"""


class Scripts:
    """Implements the service's `Backend`."""

    toolchains: ClassVar[dict[str, dict[str, str]]] = {"ethos-u": IDENTITY.versions}
    search_space_version = "1"
    models: ClassVar[dict[str, str]] = {"net": "a net"}
    inspect_command: Sequence[str] = (sys.executable, "-S", "-c", """print('{"error": "it is none"}')""")
    job_command: Sequence[str] = (sys.executable, "-S", "-c", JOB)

    def refusal(self, target: str, board: Mapping[str, str], objective: str | None) -> str:
        return "target: another one" if target == "another" else ""

    def explain(self, best: object, evaluations: object) -> Explained:
        return Explained({}, (), FrontLimits())


@contextmanager
def made(
    folder: Path, store: Path | str | None = None, system: Path | str | None = None, **limits: int
) -> Iterator[Service]:
    """A service with this toolchain, not serving anything yet. store: elsewhere than in the folder."""
    state, where = State(folder / "state"), store or folder / "store.sqlite"
    with Tiers.open(where, system) as stores:
        chosen = Limits(requests_per_second=1e6, **limits)
        yield Service.over(stores, str(where), state, TokenBook(state), Scripts(), chosen)
    state.close()


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """Its URL; over a real socket, in a thread."""
    bound, started = listen("127.0.0.1", 0), threading.Event()
    server = server_of(create_app(service, loopback_reads=True), started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    started.wait(60)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
