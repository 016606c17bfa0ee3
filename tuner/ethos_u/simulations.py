"""Runs the cheapest known recipes on a simulator, as a second opinion on predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from results.records.evaluation import Evaluation, Simulation
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.deploy.apply import applied
from tuner.tuning.objective import FamilyObjective, Objective
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.ethos_u.cost.simulator.fvp import Fvp
from workers.ethos_u.cost.simulator.pmu_report import SimulationFailed
from workers.pool.interrupts import run_interruptible


def contenders(known: Sequence[Evaluation], objective: FamilyObjective, count: int) -> list[Evaluation]:
    """The default lowering and the cheapest verified candidates within the limits, one of each program.

    Args:
        known: evaluations of one identity.
        objective: says what is within the limits.
        count: most candidates besides the default.

    Returns:
        The default first, then the cheapest first. Empty if the default lowering is not among what is known.
    """
    is_workaround = backend_of(objective.family).is_workaround
    offered = [(one, one.figures) for one in known if one.verified and one.figures is not None]
    # The default is run for comparison also where it is miscompiled.
    priced = ((one, one.figures) for one in known if one.recipe == str(Recipe()) and one.figures is not None)
    default = next(priced, None)
    if default is None:
        return []
    reference = default[1]
    if default[0].status == "wrong":
        for _, right in (pair for pair in offered if is_workaround(pair[0].recipe)):
            reference = objective.widened(reference, right)
    within = [pair for pair in offered if not objective.violations(pair[1], reference)]
    within.sort(key=lambda pair: (pair[1].cycles, len(pair[0].recipe), pair[0].recipe))
    by_program: dict[tuple[str, ...], Evaluation] = {}
    for one, _ in (default, *within):
        by_program.setdefault(one.command_stream_sha256, one)
    return list(by_program.values())[: 1 + count]


def simulations(
    job: Job, objective: Objective, chosen: Sequence[Evaluation], fvp: Fvp, store: Store, folder: Path, log_dir: Path
) -> Iterator[tuple[Evaluation, Simulation | str]]:
    """Write the `.pte` of each candidate and run it.

    Each result is stored as soon as it is there.

    Args:
        job: the model and its target.
        objective: that the candidates were tuned for.
        chosen: the candidates.
        fvp: the simulator.
        store: simulations are recorded in it.
        folder: of the `.pte` files and the simulator's logs.
        log_dir: of the log of the process that writes the files.

    Yields:
        Each candidate with what the simulator counted, or why it counted nothing.

    Raises:
        ModelError: a `.pte` cannot be written.
    """
    files = {one.recipe: folder / f"{one.program_hash[:16]}.pte" for one in chosen}
    run_interruptible(applied(job, objective, files, store, log_dir), log_dir)
    runner_sha256 = fvp.runner_sha256()
    for one in chosen:
        log = files[one.recipe].with_suffix(".log")
        try:
            report = fvp.run(files[one.recipe], log)
        except SimulationFailed as failure:
            yield one, f"{failure}; its log is {log}"
            continue
        called = len(one.command_stream_sha256)
        if report.delegations != called:
            yield one, f"the NPU ran {report.delegations} command streams of {called}; its log is {log}"
            continue
        found = Simulation(one.identity_key, one.recipe, fvp.executable.name, runner_sha256, report.npu_cycles)
        store.simulations.record(found)
        yield one, found
