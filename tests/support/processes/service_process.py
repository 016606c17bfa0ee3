"""A service in a process of its own, as people start it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests


@dataclass
class Running:
    """A service that listens. log: its lines so far."""

    process: subprocess.Popen[str]
    port: int
    state: Path
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=60, **arguments)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


def velatune(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line, to its end."""
    command = [sys.executable, "-m", "tuner.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@contextmanager
def running(store: Path, *options: str) -> Iterator[Running]:
    """`velatune serve` on a free port."""
    command = [sys.executable, "-m", "tuner.cli", "serve", "--store", str(store), "--port", "0", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    lines: list[dict[str, Any]] = []
    try:
        for text in process.stderr:
            lines.append(json.loads(text))
            if lines[-1]["event"] == "listening":
                break
        assert lines[-1]["event"] == "listening", lines
        service = Running(process, lines[-1]["port"], Path(lines[-1]["state"]), lines)
        # Read on, or the service would stop when the pipe is full.
        reader = threading.Thread(target=lambda: lines.extend(map(json.loads, process.stderr)), daemon=True)
        reader.start()
        yield service
    finally:
        process.terminate()
        process.wait(30)


def token(store: Path, role: str, *more: str) -> str:
    """A new token's text."""
    made = velatune("token", "create", f"a {role}er", "--role", role, "--store", store, *more)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}
