"""Write a `.pte` by a recipe, with proof that it holds what was evaluated."""

from __future__ import annotations

import json
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from results.records import Evaluation
from results.store import Store
from search_space.recipe import Recipe
from tuner.evaluations import evaluation_of
from tuner.identity import identity_of
from tuner.objective import Objective
from workers import tasks
from workers.errors import ModelError
from workers.pool import Pool, WorkerLost
from workers.tasks import Job
from workers.write_pte import write_pte

_SECONDS = 1800.0


async def applied(job: Job, objective: Objective, recipe: str, out: Path, store: Store, log_dir: Path) -> Evaluation:
    """Evaluate the recipe on the job's model, record that, and write the `.pte` to `out`.

    Raises ModelError if the recipe is wrong or refused for this model, or if what ExecuTorch wrote is not what was
    evaluated; `out` is then left as it was.
    """
    async with Pool(1, log_dir, warm_up=tasks.warm_up) as pool:
        try:
            prepared = await pool.run(tasks.prepare, job, timeout_seconds=_SECONDS)
            base = prepared.base
            identity = identity_of(base, job.target, objective)
            shared = pool.share(base)
            default, outcome = [
                await pool.run(tasks.evaluate, shared, base.key, job, text, False, timeout_seconds=_SECONDS)
                for text in (str(Recipe()), recipe)
            ]
            if default.cost is None:
                raise ModelError(f"{job.source}: the default lowering is {default.status}, {default.reason}")
            evaluation = evaluation_of(outcome, identity, base, objective, default.cost, with_rows=True)
            store.register(identity)
            store.record_evaluation(evaluation)
            if evaluation.status != "ok":
                raise ModelError(f"{job.source}: recipe '{recipe}' is {evaluation.status}, {evaluation.reason}")
            tag = {
                "velatune": version("velatune"),
                "recipe": evaluation.recipe,
                "identity": identity.key,
                "program": evaluation.program_hash,
            }
            expected = Counter(evaluation.command_stream_sha256)
            arguments = (
                job,
                evaluation.recipe,
                json.dumps(tag, sort_keys=True).encode(),
                expected,
                out.absolute(),
            )
            await pool.run(write_pte, *arguments, timeout_seconds=_SECONDS)
        except WorkerLost as lost:
            raise ModelError(f"{job.source}: {lost}") from lost
    return evaluation
