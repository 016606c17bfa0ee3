"""Interrupt `velatune tune` at random moments, and say how long it takes to end.

    python -m benchmarks.cluster.interrupts --times 300

Each run has a store and caches of its own. SIGINT goes to the whole process group, as a terminal sends it. Every second
run gets another one a second later. A run is a finding if it prints a traceback or leaves a process. So is one that
ends later than `--limit` seconds after the last SIGINT. Processes of Ray that are just starting then have 90 seconds to
end. Exit status 1 if there is a finding, or if no run was interrupted. A run begins with the first line of its own
code. While Python itself starts, for seconds on a busy machine, an interrupt gives a traceback of Python's own.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

#: Seconds in which Python starts, on a busy machine too.
_STARTED = 60.0
#: Seconds in which what Ray was starting ends without a parent: its client looks for the head for one minute.
_ORPHANS_END = 90.0


@dataclass(frozen=True)
class Interrupted:
    """One run. Seconds are those from the last SIGINT to the end of the command."""

    after: float
    twice: bool
    seconds: float
    findings: tuple[str, ...]


@click.command(help=__doc__)
@click.option("--times", default=300, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--within", default=60.0, show_default=True, help="seconds in which a run is interrupted")
@click.option("--limit", default=10.0, show_default=True, help="seconds that a run may take to end")
@click.option("--model", default="mlperf-tiny/ds-cnn", show_default=True)
@click.option("--target", default="ethos-u55-128", show_default=True)
def main(times: int, seed: int, within: float, limit: float, model: str, target: str) -> None:
    chance, runs = random.Random(seed), list[Interrupted]()
    for number in range(times):
        run = interrupt(model, target, chance.uniform(0, within), number % 2 == 1, limit)
        if run is None:
            click.echo(f"{number}: ended by itself")
            continue
        runs.append(run)
        twice = ", twice" if run.twice else ""
        found = "".join(f": {finding}" for finding in run.findings)
        click.echo(f"{number}: interrupted after {run.after:.1f} s{twice}, ended in {run.seconds:.1f} s{found}")
    if not runs:
        raise click.ClickException("no run was interrupted: they end within less time than --within")
    seconds = [run.seconds for run in runs]
    findings = sum(bool(run.findings) for run in runs)
    click.echo(
        f"{len(runs)} of {times} interrupted: median {statistics.median(seconds):.1f} s, "
        f"longest {max(seconds):.1f} s, {findings} with findings"
    )
    sys.exit(bool(findings))


def interrupt(model: str, target: str, after: float, twice: bool, limit: float) -> Interrupted | None:
    """None where the command ended before it was interrupted."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "said").open("w", encoding="utf-8") as said:
        own = {f"XDG_{kind}_HOME": f"{folder}/{kind}" for kind in ("DATA", "CACHE", "STATE")}
        command = [sys.executable, "-c", _COMMAND, "tune", model, "--target", target, "--timeout", "600"]
        process = subprocess.Popen(
            command, env={**os.environ, **own, "MARK": folder}, stdout=said, stderr=said, start_new_session=True
        )
        _await(Path(folder, "began"), process)
        try:
            process.wait(after)
            return None
        except subprocess.TimeoutExpired:
            pass
        os.killpg(process.pid, signal.SIGINT)
        if twice:
            time.sleep(1)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        return _watch(process, Interrupted(after, twice, 0, ()), folder, said.name, limit)


#: A command in the background of a script ignores SIGINT, and would hand that on.
_COMMAND = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from tuner.entry_point import main
open(os.environ["MARK"] + "/began", "w").close()
main()
"""


def _await(began: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until the command's own code runs."""
    end = time.monotonic() + _STARTED
    while not began.exists() and process.poll() is None:
        if time.monotonic() > end:
            process.kill()
            raise click.ClickException(f"Python did not start within {_STARTED:.0f} s")
        time.sleep(0.02)


def _watch(process: subprocess.Popen[bytes], run: Interrupted, folder: str, said: str, limit: float) -> Interrupted:
    began, findings = time.monotonic(), list[str]()
    try:
        process.wait(6 * limit)
    except subprocess.TimeoutExpired:
        process.kill()
        findings.append("killed")
    seconds = time.monotonic() - began
    if seconds > limit and not findings:
        findings.append("late")
    left = _processes_of(folder, _ORPHANS_END)
    if left:
        findings.append(f"processes left: {', '.join(map(_name, left))}")
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    printed = Path(said).read_text(encoding="utf-8")
    if "Traceback" in printed:
        findings.append(f"traceback, ending in {printed.strip().splitlines()[-1]!r}")
    return Interrupted(run.after, run.twice, seconds, tuple(findings))


def _processes_of(folder: str, patience: float) -> list[int]:
    """Those that still run with the environment of a run, `patience` seconds later."""
    end = time.monotonic() + patience
    while left := [int(entry.name) for entry in Path("/proc").iterdir() if _is_of(entry, folder)]:
        if time.monotonic() > end:
            return left
        time.sleep(0.2)
    return []


def _name(pid: int) -> str:
    """Of the process: the file that it runs and its first argument."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return " ".join(words[:2])


def _is_of(process: Path, folder: str) -> bool:
    try:
        return process.name.isdecimal() and f"MARK={folder}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    main()
