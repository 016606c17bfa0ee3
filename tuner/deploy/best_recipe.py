"""The best known recipe inside a user's own ahead-of-time script.

from velatune import apply_recipe, best_recipe

with apply_recipe(best_recipe("net.py:make", "ethos-u55-128"), "ethos-u55-128"):
    edge = to_edge_transform_and_lower(exported, partitioner=[EthosUPartitioner(compile_spec)])
"""

from __future__ import annotations

from pathlib import Path

from results.lookup.lookup import Hit, lookup
from results.store.tiers import Tiers
from tuner.deploy.ask import identity_for
from tuner.deploy.how_to_tune import how_to_tune
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers.backend.job import Job
from workers.backend.registry import target_named
from workers.backend.stored_recipe import StoredRecipe
from workers.backend.target import Target
from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout


def best_recipe(
    model: str,
    target: str | Target,
    *,
    objective: Objective = Objective(),  # noqa: B008 (a frozen value)
    store: str | None = None,
    system_store: str | None = None,
    seed: int = 0,
    calibration_data: Path | None = None,
    io_layout: IoLayout | None = None,
) -> StoredRecipe:
    """The recipe that `velatune tune` found for this very model, target and toolchain. It is text.

    `apply_recipe` writes beside each delegate where it comes from, so that `velatune verify` proves the `.pte`.

    Args:
        model: a model source, such as `file.py:function`.
        target: name of a device, whose board then has its usual facts, or a `Target`.
        objective: what the model was tuned for.
        store: as `--store`; None for the user's own.
        system_store: as `--system-store`; None for none.
        seed: as the model was tuned with.
        calibration_data: as the model was tuned with; None for the inputs of the model source.
        io_layout: as the model was tuned with; None where its inputs are given as the source has them.

    Returns:
        The recipe with the key of its identity.

    Raises:
        ModelError: nothing is known for exactly this, or the model is bad.
        StoreError: the store cannot be read.
    """
    board = target_named(target, {}) if isinstance(target, str) else target
    job = Job(model, board, cache_folder(), seed, calibration_data, io_layout, objective.allowance)
    identity = identity_for(job, objective)
    with Tiers.open(store, system_store) as stores:
        found = lookup(stores, identity)
    if isinstance(found, Hit):
        return StoredRecipe(found.best.recipe, found.best.identity.key)
    raise ModelError(f"{model}: no recipe is known for {board.label}; run: {how_to_tune(job, objective, store)}")
