"""Models as people write them are tuned, written and verified, or refused in one line that says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import warm_process
from support.programs import peoples_nets

pytestmark = pytest.mark.slow

U55, U85 = "ethos-u55-128", "ethos-u85-256"
#: Models that are tuned together, by target and options.
TUNED: dict[tuple[str, ...], tuple[str, ...]] = {
    # A quantised .pt2 needs operators for writing that quantising registers as a side effect. A peak is of rank 0
    # inside a delegate.
    (U55,): ("nhwc.pt2", "peoples_nets.py:peak", "peoples_nets.py:tall"),
    # Check inputs that are indices have to be indices. An alarm is of rank 0 at a delegate's edge.
    (U85,): ("widths.pt2", "peoples_nets.py:encoder", "peoples_nets.py:alarm"),
    # Buffers that change start anew for each sample.
    (U55, "--allow-requant", "1"): ("peoples_nets.py:anomaly", "peoples_nets.py:streaming"),
}
#: Some of them, for each takes seconds: that all can be written is tried by `tune` itself.
WRITTEN = {"nhwc.pt2", "peoples_nets.py:encoder", "peoples_nets.py:alarm", "peoples_nets.py:streaming"}
REFUSED = {
    "peoples_nets.py:split": "is float32 of [1, 8, 10, 10] in the program and int8 of [1, 8, 10, 10] in the delegate",
    "peoples_nets.py:scripted": "returned a ScriptModule, which torch.export does not take; return the eager module",
    "peoples_nets.py:decoder": "grouped_bias",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models in it."""
    folder = tmp_path_factory.mktemp("people")
    nets = folder / "peoples_nets.py"
    nets.write_text(Path(peoples_nets.__file__).read_text())
    subprocess.run([sys.executable, nets, folder], check=True, capture_output=True)
    return folder


def types(home: Path, *arguments: str) -> tuple[int | None, str, str]:
    environment = os.environ | {"XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    return warm_process.run(arguments, home, environment, seconds=600)


@pytest.mark.parametrize("asked", TUNED, ids=" ".join)
def test_tuned_written_and_verified(home: Path, asked: tuple[str, ...]) -> None:
    (target, *options), models = asked, TUNED[asked]
    environment = os.environ | {"XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    arguments = [*models, "--target", target, *options, "--trials", "4", "--jobs", "1", "--json"]
    command = [sys.executable, "-m", "tuner.cli", "tune", *arguments, "--store", "store.sqlite"]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for one in json.loads(done.stdout):
        assert one["best"]["cycles"] <= one["default"]["cycles"], one["model"]
        assert bool(one["default_fault"]) == (one["model"] == "peoples_nets.py:encoder"), "its query is a slice"
        if one["model"] == "peoples_nets.py:tall":
            assert one["best"]["cycles"] < 0.5 * one["default"]["cycles"], "sums in steps need no transpose"
    for model in sorted(WRITTEN & set(models)):
        shared = ("--target", target, "--store", "store.sqlite", *options, "--out", "best.pte")
        assert types(home, "apply", model, *shared)[0] == 0, model
        status, out, _ = types(home, "verify", "best.pte", "--run", "--store", "store.sqlite")
        assert status == 0 and "verified" in out, model


@pytest.mark.parametrize("model", REFUSED)
def test_refused_in_one_line(home: Path, model: str) -> None:
    status, out, err = types(home, "tune", model, "--target", U55, "--trials", "1", "--store", "refused.sqlite")
    assert status not in (0, None) and out == ""
    last = err.strip().splitlines()[-1]
    assert last.startswith(f"error: {model}") and REFUSED[model] in last
