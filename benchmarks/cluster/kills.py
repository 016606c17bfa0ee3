"""Random SIGKILLs of workers, nodes and the driver.

Meanwhile a sweep goes over a local Ray cluster of three nodes.

    python -m benchmarks.cluster.kills --kills 50 SUITE.toml

Goes over the suite twice, into stores of their own: undisturbed, then disturbed. The suite says
`store = "store.sqlite"`. Says what was lost, what was counted twice, and whether the best recipes are the same. Exit
status 1 if anything differs, if nothing was found, or if the sweep ended before all kills.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.store.store import Store
from workers.pool.ray_start import SYSTEM_CONFIG, workers_only

NODES = 3


@dataclass
class Cluster:
    """Ray nodes on this machine, with one core each. The first is the head; it is never killed."""

    ray: Any
    others: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.ray.address)

    def workers(self) -> list[int]:
        """Process ids of velatune's pool, on all nodes."""
        nodes = (self.ray.head_node, *self.others)
        raylets = {raylet.process.pid for node in nodes for raylet in node.all_processes.get("raylet", [])}
        return [
            pid
            for pid, parent, title in _processes()
            if parent in raylets and title.startswith("ray::RayWorkerProcess")
        ]

    def kill_worker(self, chance: random.Random) -> bool:
        """Whether there was one to kill."""
        workers = self.workers()
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
        return bool(workers)

    def kill_node(self, chance: random.Random) -> None:
        """One that is not the head; another one joins."""
        gone = chance.choice(self.others)
        self.others.remove(gone)
        self.ray.remove_node(gone, allow_graceful=False)
        self.add()

    def add(self) -> None:
        with workers_only():
            self.others.append(self.ray.add_node(num_cpus=1))


def _processes() -> Iterator[tuple[int, int, str]]:
    """Id, parent and title of each."""
    for entry in Path("/proc").iterdir():
        try:
            stat, title = (entry / "stat").read_text(), (entry / "cmdline").read_text()
        except (OSError, UnicodeDecodeError):
            continue
        if entry.name.isdecimal():
            yield int(entry.name), int(stat.rpartition(")")[2].split()[1]), title


@contextmanager
def cluster(nodes: int = NODES) -> Iterator[Cluster]:
    """A cluster of so many nodes, for as long as the block lasts."""
    from ray.cluster_utils import Cluster as RayCluster

    with workers_only():
        head = {"num_cpus": 1, "include_dashboard": False, "_system_config": SYSTEM_CONFIG}
        made = Cluster(RayCluster(initialize_head=True, head_node_args=head))
    try:
        for _ in range(nodes - 1):
            made.add()
        yield made
    finally:
        made.ray.shutdown()


@dataclass(frozen=True)
class Found:
    """What a store holds after a sweep: results of candidates by identity and recipe, and the best recipes."""

    candidates: Counter[tuple[str, str, str, int | None]]
    bests: dict[str, tuple[str, int]]

    @staticmethod
    def of(store: Path) -> Found:
        with Store.open(store) as opened:
            bests = opened.bests.all()
            evaluations = [one for best in bests for one in opened.evaluations.of(best.identity.key)]
        return Found(Counter(map(_candidate, evaluations)), {best.identity.key: _outcome(best) for best in bests})


def _candidate(one: Evaluation) -> tuple[str, str, str, int | None]:
    return one.identity_key, one.recipe, one.status, one.figures.cycles if one.figures else None


def _outcome(best: Best) -> tuple[str, int]:
    assert best.best.figures is not None
    return best.recipe, best.best.figures.cycles


def sweep(suite: Path, home: Path, address: str) -> subprocess.Popen[str]:
    """Start a driver; `home`: its cache, studies and log."""
    home.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    command = [sys.executable, "-m", "tuner.cli", "sweep", str(suite), "--address", address]
    with (home / "driver.log").open("a") as log:
        return subprocess.Popen(command, env=environment, text=True, stdout=log, stderr=log)


def every(seconds: float, chance: random.Random) -> Callable[[int], bool]:
    """For `disturbed`: a kill is due every so many seconds, more or less."""
    moments = [time.monotonic()]

    def due(killed: int) -> bool:
        while len(moments) <= killed + 1:
            moments.append(time.monotonic() + chance.uniform(0.5, 1.5) * seconds)
        return time.monotonic() > moments[killed + 1]

    return due


def disturbed(
    suite: Path, home: Path, nodes: Cluster, kills: int, due: Callable[[int], bool], chance: random.Random
) -> Counter[str]:
    """Sweep to the end while `kills` processes are killed; how many of each kind were.

    One of ten is a node, one of ten the driver, which is started again. The others are workers.

    Args:
        due: whether the next one is to be killed now; is given how many were.

    Raises:
        RuntimeError: the sweep failed by itself.
    """
    driver = sweep(suite, home, nodes.address)
    killed: Counter[str] = Counter()
    while (status := driver.poll()) is None:
        time.sleep(0.05)
        if killed.total() == kills or not due(killed.total()):
            continue
        kind = {1: "node", 8: "driver"}.get(killed.total() % 10, "worker")
        if kind == "node":
            nodes.kill_node(chance)
        elif kind == "driver":
            driver.kill()
            driver.wait()
            driver = sweep(suite, home, nodes.address)
        elif not nodes.kill_worker(chance):
            continue
        killed[kind] += 1
    if status != 0:
        raise RuntimeError(f"the sweep ended with status {status}; see {home / 'driver.log'}")
    return killed


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("suite", type=Path)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=10.0, help="between two kills, about")
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, cluster() as nodes:
        found = []
        for name, kills in (("undisturbed", 0), ("disturbed", asked.kills)):
            home = Path(folder) / name
            home.mkdir()
            suite = home / "suite.toml"
            suite.write_text(asked.suite.read_text())
            for beside in asked.suite.parent.glob("*.py"):
                (home / beside.name).write_text(beside.read_text())
            started = time.monotonic()
            chance = random.Random(asked.seed)
            killed = disturbed(suite, home, nodes, kills, every(asked.seconds, chance), chance)
            found.append(Found.of(home / "store.sqlite"))
            counts = ", ".join(f"{number} {kind}s" for kind, number in killed.items()) or "nothing"
            print(f"{name}: {time.monotonic() - started:.0f} s, killed {counts}")  # noqa: T201
    calm, stormy = found
    lost, added = calm.candidates - stormy.candidates, stormy.candidates - calm.candidates
    twice = [one for one, count in stormy.candidates.items() if count > 1]
    same = calm.bests == stormy.bests
    print(f"{calm.candidates.total()} evaluations: {lost.total()} lost, {added.total()} others, {len(twice)} twice")  # noqa: T201
    print(f"best recipes of {len(calm.bests)}: {'the same' if same else 'different'}")  # noqa: T201
    undisturbed = calm.bests and same and not lost and not added and not twice
    return 0 if undisturbed and killed.total() == asked.kills else 1


if __name__ == "__main__":
    sys.exit(main())
