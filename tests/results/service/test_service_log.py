"""The log of `velatune serve` is JSON lines, whatever ends it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_log_is_json_lines_to_its_end(sent: signal.Signals, status: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tuner.cli", "serve", "--store", str(tmp_path / "store.sqlite"), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line)["event"] == "listening":
            break
    process.send_signal(sent)
    rest = process.communicate(timeout=120)[1].splitlines()
    assert process.returncode == status
    assert "Finished server process" in [json.loads(line)["event"] for line in rest][-1]
