"""A target is a package behind one interface. A toy of another kind is tuned, stored, looked up and reported without
anything else knowing it. Services, nights and sweeps take it as well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import toy_backend
from support.processes.service_process import running

from benchmarks.cluster.kills import cluster

pytestmark = pytest.mark.slow

NET = """
import torch

class Net(torch.nn.Module):
    def forward(self, x):
        return torch.abs(torch.abs(torch.neg(torch.relu(torch.relu(torch.relu(x))))))

def make():
    return Net(), (torch.ones(1, 4),)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the toy is installed, and a model."""
    home = tmp_path_factory.mktemp("toy")
    info = home / "toy_backend-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-backend\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(
        "[velatune.backends]\ntoy = toy_backend:BACKEND\n"
        "[velatune.passes]\ntoy-merge = toy_backend:ToyMerge\ntoy-wrong = toy_backend:ToyWrong\n"
    )
    (home / "net.py").write_text(NET)
    return home


def environment(home: Path) -> Mapping[str, str]:
    places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CACHE", "DATA", "STATE")}
    packages = Path(next(iter(toy_backend.__path__)))
    return os.environ | places | {"PYTHONPATH": os.pathsep.join(map(str, (home, packages, Path.cwd())))}


def velatune(home: Path, *arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-P", "-m", "tuner.cli", *arguments]
    done = subprocess.run(
        command, cwd=home, env=environment(home), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == status, done.stderr
    return done.stdout


MODEL = ("net.py:make", "--target", "toy-1", "--store", "store.sqlite")


@pytest.fixture(scope="module")
def tuned(home: Path) -> Mapping[str, object]:
    (found,) = json.loads(velatune(home, "tune", *MODEL, "--trials", "20", "--jobs", "1", "--out", "out", "--json"))
    return found


def test_a_search_finds_what_is_right_and_cheaper(tuned: Mapping[str, object]) -> None:
    assert (tuned["recipe"], tuned["verified"]) == ("toy-merge", True)
    assert (tuned["default"]["cycles"], tuned["best"]["cycles"]) == (60, 30)  # type: ignore[index]
    assert tuned["best"]["metrics"] == {"functions": 3}  # type: ignore[index]


def test_it_is_reported(tuned: Mapping[str, object], home: Path) -> None:
    (page,) = (one for one in (home / "out").glob("*.html") if one.name != "index.html")
    assert "functions computed" in page.read_text()
    assert "toy-1" in (home / "out" / "table.md").read_text()


def test_it_is_looked_up(tuned: Mapping[str, object], home: Path) -> None:
    assert velatune(home, "lookup", *MODEL).strip().endswith("toy-merge")


def test_its_file_is_written_and_verified(tuned: Mapping[str, object], home: Path) -> None:
    assert "30 cycles" in velatune(home, "apply", *MODEL, "--out", "net.toy")
    assert "verified. 1 program by toy-merge" in velatune(home, "verify", "net.toy", "--store", "store.sqlite")


def test_it_is_served(tuned: Mapping[str, object], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    with running(home / "store.sqlite", "--state", str(home / "state")) as service:
        assert "toy-1" in service.get("/").text
        assert "functions computed" in service.get(f"/results/{tuned['identity']}").text


def test_a_night_goes_over_it(tuned: Mapping[str, object], home: Path) -> None:
    """Together with an Ethos-U: one night is for targets of all families."""
    suite = 'store = "store.sqlite"\nmodels = ["net.py:make"]\ntargets = ["toy-1", "ethos-u55-128"]\n'
    (home / "suite.toml").write_text(suite)
    night = json.loads(velatune(home, "nightly", "suite.toml", "--jobs", "1", "--json"))
    assert [(one["target"], one["outcome"]) for one in night["entries"]] == [
        ("toy-1", "fresh"),
        ("ethos-u55-128", "tuned"),
    ]
    assert night["versions"]["toy"] == "1"


def test_a_cluster_sweeps_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a store of its own, so that nothing is known before it."""
    (home / "sweep.toml").write_text('store = "swept.sqlite"\nmodels = ["net.py:make"]\ntargets = ["toy-1"]\n')
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)  # the nodes start workers with it
    with cluster(nodes=1) as nodes:
        swept = json.loads(velatune(home, "sweep", "sweep.toml", "--address", nodes.address, "--json"))
    assert [(one["target"], one["outcome"]) for one in swept["entries"]] == [("toy-1", "tuned")]
    asked = velatune(home, "lookup", "net.py:make", "--target", "toy-1", "--store", "swept.sqlite")
    assert asked.strip().endswith("toy-merge")


def test_a_family_refuses_what_it_does_not_have(home: Path) -> None:
    command = [sys.executable, "-P", "-m", "tuner.cli", "tune", *MODEL]
    for more, said in (
        (("--objective", "vela"), "--objective vela: toy has functions"),
        (("--memory-mode", "Sram_Only"), "memory_mode says nothing about such a board"),
    ):
        done = subprocess.run(
            [*command, *more], cwd=home, env=environment(home), capture_output=True, text=True, check=False
        )
        assert done.returncode == 2 and said in done.stderr
