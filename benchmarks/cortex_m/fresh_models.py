"""Counts instructions of nets that nothing was fitted to.

    python -m benchmarks.cortex_m.fresh_models --target cortex-m55 --runner COMMAND

Lowers the nets of `benchmarks.unseen` and has each `.pte` run once, as `benchmarks.cortex_m.files` does. The recipe is
the default lowering. Where the guards reject that, it is the first starting point of a search that they let pass.
Writes `workers/cortex_m/evidence/data/fresh_models.json`: counted instructions and kernel calls.
`benchmarks.cortex_m.costs` finds the errors of whole predictions on them. Nets whose outputs differ are left out, with
a line that says so. So are nets that have an operator without a known cost.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.cortex_m.calls import calls_of
from benchmarks.cortex_m.options import runner_option, target_option, timeout_option
from benchmarks.cortex_m.tried import tried
from benchmarks.unseen import images, signals
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from tuner.cortex_m.commands.measure import command_of
from tuner.paths import cache_folder
from workers import tasks
from workers.backend.job import Job
from workers.cache.atomic_write import write_whole
from workers.cortex_m.backend import BACKEND
from workers.cortex_m.candidates.candidates import Candidate
from workers.cortex_m.candidates.programs import CortexMPrograms
from workers.cortex_m.evidence.instruction_counts import FRESH
from workers.cortex_m.run.expected import expected_of
from workers.cortex_m.target import Target
from workers.errors import CompilerRefused, ModelError


@click.command()
@runner_option
@target_option
@timeout_option
def cortex_m_fresh_models(runner: str, target: str, timeout: float) -> None:
    """Have nets run by a command of yours, and write what it counted."""
    command = command_of(runner)
    tasks.warm_up()
    known: dict[str, dict[str, Any]] = json.loads(FRESH.read_text(encoding="utf-8")) if FRESH.exists() else {}
    for net, source in nets():
        runs = known.setdefault(net, {})
        try:
            runs[target] = _counted(Job(source, Target.parse(target), cache_folder(), seed=0), command, timeout)
            click.echo(f"{net}: {runs[target]['instructions']:,} counted")
        except (ModelError, SpaceError, CompilerRefused) as fault:
            runs.pop(target, None)
            click.echo(f"{net}: left out, {fault}")
        text = json.dumps({name: runs for name, runs in known.items() if runs}, separators=(",", ":"), sort_keys=True)
        write_whole(FRESH, f"{text}\n".encode())


def _counted(job: Job[Target], command: Sequence[str], timeout: float) -> dict[str, Any]:
    """Counted instructions and kernel calls of a net. Raises ModelError and the like if it is to be left out."""
    base = BACKEND.lower(job)
    programs = BACKEND.programs(job, base)
    candidate = _right(programs)
    if uncosted := programs.cost(candidate)["uncosted"]:
        raise ModelError(f"{uncosted} operators have no known cost")
    lowered, inputs = programs.lowered(candidate), base.samples[0]
    expected = expected_of(lowered, inputs, job.target.instruction_set)
    found = tried(command, programs.file(candidate).content, inputs, expected, timeout)
    if found.counted is None or found.counted.unit != "instructions":
        raise ModelError(found.outcome)
    return {"instructions": found.counted.count, "calls": calls_of(lowered)}


def _right(programs: CortexMPrograms) -> Candidate:
    """The first candidate that the guards let pass. Raises ModelError if there is none."""
    for recipe in ("default", *programs.starting_points()):
        candidate = programs.by(Recipe.parse(recipe))
        if programs.executed(candidate, whole=True, on_all=True, is_default=False).equal:
            return candidate
    raise ModelError(programs.executed(programs.default, whole=True, on_all=True, is_default=True).reason)


def nets() -> Iterator[tuple[str, str]]:
    """Names of the nets, and where velatune finds them."""
    for module in (images, signals):
        assert module.__file__ is not None
        for name, one in inspect.getmembers(module, inspect.isfunction):
            if one.__module__ == module.__name__ and not inspect.signature(one).parameters:
                yield name, f"{Path(module.__file__)}:{name}"


if __name__ == "__main__":
    cortex_m_fresh_models()
