"""Nights over small models, with the real toolchain; one of them is killed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

import pytest

from benchmarks.cluster.kills import Found, cluster, disturbed
from results.nightly.night import Night
from results.records.best import Best
from results.store.store import Store
from tuner.nightly.job_notes import accept, release
from tuner.nightly.night import run_night
from tuner.nightly.suite_file import read_suite
from tuner.tuning.progress import Progress
from workers import tasks
from workers.errors import ModelError
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.pool.ray_pool import Pool

pytestmark = pytest.mark.slow

NETS = """
import time
from pathlib import Path

import torch

class Turned(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(4, 8, 1)
        self.last = torch.nn.Conv2d(8, 4, 1)

    def forward(self, x):
        x = torch.relu(self.first(x)).permute(0, 2, 3, 1).reshape(1, 6, 6, 2, 4)
        return self.last(x.permute(0, 3, 4, 1, 2).reshape(1, 8, 6, 6))

def turned():
    torch.manual_seed(3)
    inputs = [(torch.randn(1, 4, 6, 6),) for _ in range(3)]
    return Turned(), inputs[0], inputs

def flat():
    torch.manual_seed(3)
    return torch.nn.Linear(2, 2), (torch.ones(1, 2),), [(torch.ones(1, 2),)]

def held():
    if Path("read").exists() and Path("hold").exists():
        Path("held").touch()
        time.sleep(1000)
    Path("read").touch()
    torch.manual_seed(4)
    return torch.nn.Linear(2, 3), (torch.ones(1, 2),), [(torch.ones(1, 2),)]

def another():
    torch.seed()
    return torch.nn.Linear(2, 2), (torch.ones(1, 2),), [(torch.ones(1, 2),)]
"""
SUITE = """
models = ["nets.py:turned", "nets.py:flat"]
targets = ["ethos-u55-128"]
store = "store.sqlite"
out = "out"
attempts = 2
[budget]
per_job = 12
"""


@dataclass
class Nights:
    """A folder with a suite file, and a pool that all nights of this file use."""

    home: Path
    runner: asyncio.Runner
    pool: Pool

    def night(self, text: str = SUITE, *more: str) -> Night:
        (self.home / "suite.toml").write_text("\n".join((text, *more)))
        suite = read_suite(self.home / "suite.toml")
        jobs = suite.jobs(self.home / "cache")
        with Store.open(self.home / "store.sqlite") as store:
            studies, logs, there = self.home / "studies", self.home / "logs", nullcontext(self.pool)
            work = run_night(suite, jobs, there, there, store, studies, logs, Progress(jobs))
            return self.runner.run(work)

    def rewritten(self, change: Callable[[Best], Best | None]) -> None:
        """Let the store say something else of the past: `change` gives what stands in place of each best."""
        with Store.open(self.home / "store.sqlite") as store:
            bests = store.bests.all()
        for path in self.home.glob("store.sqlite*"):
            path.unlink()
        with Store.open(self.home / "store.sqlite") as store:
            for best in filter(None, map(change, bests)):
                store.bests.record(best)


def under(best: Best, part: float, vela: str) -> Best:
    """The same best as another Vela would have found it, whose cycles are so much of what they are."""
    identity = replace(best.identity, versions={**best.identity.versions, "ethos-u-vela": vela})
    assert best.best.figures is not None
    cycles = best.best.figures.cycles
    figures = replace(best.best.figures, cycles=cycles if best.recipe == "default" else int(cycles * part))
    default, found = (replace(one, identity_key=identity.key) for one in (best.default, best.best))
    return replace(best, identity=identity, default=default, best=replace(found, figures=figures))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    home = tmp_path_factory.mktemp("nights")
    (home / "nets.py").write_text(NETS)
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        pool = Pool(1, home / "logs", warm_up=partial(tasks.warm_up_with, {"ethos-u": toolchain_versions()}))
        runner.run(pool.__aenter__())
        yield Nights(home, runner, pool)
        runner.run(pool.__aexit__(None, None, None))


def outcomes(night: Night) -> list[str]:
    return [entry.outcome for entry in night.entries]


def test_a_suite_over_several_nights(nights):
    first = nights.night()
    turned, flat = first.entries
    assert outcomes(first) == ["tuned", "tuned"]
    assert first.new_bests == [turned]
    assert turned.best_cycles < turned.default_cycles
    assert first.candidates >= 12
    assert flat.run_status == "exhausted"

    second = nights.night()
    assert second.headline == "nothing changed: all 2 are fresh"
    assert second.candidates == 0

    # An older Vela found something that is 20 % cheaper than what is found now.
    nights.rewritten(lambda best: under(best, 0.8, vela="5.0.0"))
    third = nights.night()
    assert outcomes(third) == ["tuned", "tuned"]
    assert [entry.model for entry in third.regressions] == ["nets.py:turned"]
    drift = third.entries[0].drift
    assert [str(change) for change in drift.changes] == [f"ethos-u-vela 5.0.0 → {toolchain_versions()['ethos-u-vela']}"]
    assert (drift.default_percent, drift.best_percent) == (0, pytest.approx(25, abs=0.5))
    assert third.entries[0].best_cycles <= turned.best_cycles  # the search went on from the recipe of before

    fourth = nights.night()
    assert outcomes(fourth) == ["fresh", "fresh"]
    assert not fourth.drifts  # reported once
    assert len(fourth.regressions) == 1  # until somebody accepts it
    suite = read_suite(nights.home / "suite.toml")
    with Store.open(nights.home / "store.sqlite") as store:
        assert len(accept(suite, suite.jobs(nights.home / "cache"), store)) == 2
    assert nights.night().headline.startswith("nothing changed")


def test_the_budget_leaves_the_rest_to_the_next_night(nights):
    none = SUITE.replace("[budget]", 'name = "poor"\n[budget]\nseconds = 1e-9')
    nights.night()  # which the tests before did, if they ran in this process
    nights.rewritten(lambda best: under(best, 1, vela="4.0.0"))
    poor = nights.night(none)
    assert outcomes(poor) == ["waiting", "waiting"]
    assert len(poor.drifts) == 2  # what changed is reported all the same
    rich = nights.night(none.replace("seconds = 1e-9", ""))
    assert outcomes(rich) == ["tuned", "tuned"]


def test_failures_are_retried_then_put_in_quarantine(nights):
    broken = SUITE.replace("nets.py:flat", "nets.py:none").replace("[budget]", 'name = "broken"\n[budget]')
    entries = [nights.night(broken).entries[1] for _ in range(3)]
    assert [(entry.outcome, entry.failures) for entry in entries] == [("failed", 1), ("failed", 2), ("quarantined", 2)]
    assert "none" in entries[0].why
    suite = read_suite(nights.home / "suite.toml")
    with Store.open(nights.home / "store.sqlite") as store:
        release(suite, store)
    assert nights.night(broken).entries[1].failures == 1


def test_a_model_that_is_another_one_each_time_is_reported(nights):
    entry = nights.night(SUITE.replace("nets.py:flat", "nets.py:another")).entries[1]
    assert entry.outcome == "failed"
    assert "seed" in entry.why


def test_workers_with_another_toolchain_are_refused():
    with pytest.raises(ModelError, match=r"ethos-u-vela .* \(driver: 5\.0\.0\); install the same versions"):
        tasks.warm_up_with({"ethos-u": {**toolchain_versions(), "ethos-u-vela": "5.0.0"}})


def test_a_sweep_loses_nothing_where_workers_and_nodes_are_killed(nights, tmp_path):
    """On three Ray nodes, against one worker that nobody disturbs. `python -m benchmarks.cluster.kills` kills more."""
    quiet = replace(nights, home=tmp_path / "quiet")  # where no other night has searched
    quiet.home.mkdir()
    for home in (tmp_path, quiet.home):
        (home / "nets.py").write_text(NETS)
    quiet.night(SUITE)
    (tmp_path / "suite.toml").write_text(SUITE)

    def due(killed: int) -> bool:
        """When there are some evaluations more, so that the next process is killed in the midst of others."""
        with Store.open(tmp_path / "store.sqlite") as store:
            return sum(store.evaluations.counts(best.identity.key)[0] for best in store.bests.all()) > 3 * killed

    with cluster() as nodes:
        killed = disturbed(tmp_path / "suite.toml", tmp_path, nodes, 3, due, Random(0))
    assert sum(killed.values()) > 0  # a quick machine is done before the last one
    found = Found.of(tmp_path / "store.sqlite")
    assert found == Found.of(quiet.home / "store.sqlite")
    assert set(found.candidates.values()) == {1}


def test_a_night_that_is_killed_is_gone_on_with(tmp_path):
    (tmp_path / "nets.py").write_text(NETS)
    # It is read once, then to be lowered; that takes as long as it is held.
    suite = SUITE.replace('"nets.py:flat"', '"nets.py:flat", "nets.py:held"')
    (tmp_path / "suite.toml").write_text(suite)
    (tmp_path / "hold").touch()
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_DATA_HOME": str(tmp_path / "data")}
    command = [sys.executable, "-m", "tuner.cli", "nightly", str(tmp_path / "suite.toml"), "--jobs", "1", "--json"]

    killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "held").exists():
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (tmp_path / "hold").unlink()
    with Store.open(tmp_path / "store.sqlite") as store:
        begun = store.nights.get("suite")
        assert begun.finished is None
        said = [note.entry for note in store.nights.notes("suite").values() if note.entry is not None]
        assert said  # a place is given to `held` when another model is done

    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    night = json.loads(done.stdout)
    assert [entry["outcome"] for entry in night["entries"]] == ["tuned", "tuned", "tuned"]
    assert night["entries"][0]["new_best"]
    assert night["started"] == begun.started
    assert (tmp_path / "out" / "night.html").exists()

    logs = tmp_path / "cache" / "velatune" / "logs"
    assert (logs / "worker-0.log").exists()
    shutil.rmtree(logs)
    again = json.loads(subprocess.check_output(command, env=environment))
    assert again["headline"] == "nothing changed: all 3 are fresh"
    assert [path.name for path in logs.iterdir()] == ["plain-0.log"]  # models were read, and Ray was not started
    with Store.open(tmp_path / "store.sqlite") as store:
        evaluations = [store.evaluations.counts(entry["identity_key"])[0] for entry in night["entries"]]
        assert [entry["candidates"] for entry in night["entries"]] == evaluations
