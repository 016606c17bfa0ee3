"""Evaluates candidates of one job in worker processes, and makes records of what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from results.records.evaluation import Evaluation
from results.records.figures import Bound
from results.records.identity import Identity
from search_space.choices.frontend.base import Setting
from search_space.recipe.recipe import Recipe
from tuner.tuning.context import TuningContext
from tuner.tuning.evaluation.evaluations import evaluation_of, quarantined, shortfalls
from tuner.tuning.objective import FamilyObjective
from tuner.tuning.opening import PREPARE_SECONDS, Opened
from workers import tasks
from workers.backend.base import Base
from workers.backend.cost import Cost, Numbers
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.cache.hit_counts import Reuse
from workers.errors import ModelError
from workers.evaluator import Expansion, Outcome, Wanted, always
from workers.pool.failures import WorkerLost
from workers.pool.shared import Shared

_DEFAULT_SECONDS = 1800.0

#: A candidate is given this many times what the default took, and no less than the floor: the default may have come
#: from the memo, and checking a candidate of the slowest model known takes minutes.
_PATIENCE, _FLOOR_SECONDS = 20.0, 600.0


class EvaluationClient:
    """Evaluates candidates of one job in worker processes and records the results.

    Attributes:
        objective: what candidates are judged by.
        identity: what records are stored under.
        default: costs of the default lowering, which candidates are compared with; there once `evaluate_default` was.
        asked: how much was asked of the workers for candidates, and how much of it they knew.
    """

    default: Cost

    def __init__(self, job: Job, objective: FamilyObjective, identity: Identity, found: Opened, context: TuningContext):
        """Evaluate candidates of one job.

        Args:
            job: the model and its target.
            objective: says what is minimised, and the limits.
            identity: what results are stored under.
            found: the job's lowered model.
            context: of the command; its pool evaluates.
        """
        self.objective, self.identity = objective, identity
        self.asked = Reuse()
        self._job, self._opened = job, found
        self._pool, self._store, self._progress = context.pool, context.store, context.progress
        self._patience = _DEFAULT_SECONDS

    async def outcome(self, recipe: str, whole: bool = False, wanted: Wanted = always) -> Outcome:
        """Evaluate a candidate.

        Args:
            recipe: its text.
            whole: as of `workers.evaluator.Evaluator.evaluate`.
            wanted: as of `workers.evaluator.Evaluator.evaluate`.

        Returns:
            What came of it.

        Raises:
            WorkerLost: every worker that tried it was lost.
        """
        arguments = *self._base, self._job, recipe, whole, wanted
        return await self._pool.run(tasks.evaluate, *arguments, timeout_seconds=self._patience)

    async def evaluate(self, recipe: Recipe, whole: bool = False) -> Evaluation:
        """A candidate's record with its operators, not counted as a try: the memo has what it costs.

        Args:
            recipe: the candidate.
            whole: as of `workers.evaluator.Evaluator.evaluate`.

        Returns:
            The record; of a candidate that no worker survives, one that says so.
        """
        try:
            outcome = await self.outcome(str(recipe), whole)
        except WorkerLost as lost:
            return quarantined(str(recipe), lost, self.identity)
        return self.record(outcome, with_rows=True)

    async def evaluate_default(self) -> Evaluation:
        """Its record; what it costs is what candidates are compared with from then on. Raises ModelError."""
        source = self._job.source
        try:
            outcome = await self.outcome(str(Recipe()))
        except WorkerLost as lost:
            raise ModelError(f"{source}: the default lowering {lost.kind}, {lost.detail}") from lost
        if outcome.cost is None:
            raise ModelError(f"{source}: the default lowering is {outcome.status}, {outcome.reason}")
        if short := shortfalls(outcome, self.objective):
            raise ModelError(f"{source}: not even the default lowering will do, {' and '.join(short)}")
        self.default = outcome.cost
        if outcome.stream_fault:
            self._progress.warning(self._job, f"the default lowering is wrong: {outcome.stream_fault}")
        record = self.record(outcome, with_rows=True)
        self._patience = max(_FLOOR_SECONDS, _PATIENCE * record.seconds)
        return record

    async def prepare_whole_checks(self) -> None:
        """Have computed what the best will be compared with. That belongs to the default lowering, not to a search."""
        with suppress(WorkerLost):  # the check of the best says so
            await self._pool.run(tasks.prepare_whole_checks, *self._base, self._job, timeout_seconds=self._patience)

    async def widen_limits(self, starts: Sequence[str]) -> None:
        """Allow what the plainest workaround of a wrong default lowering needs. A workaround adds operations. So there
        may be nothing right within the limits that follow from the wrong default.
        """
        for workaround in filter(backend_of(self._job.target.backend).is_workaround, starts[:1]):
            try:
                outcome = await self.outcome(workaround)
            except WorkerLost:  # it is recorded when the search asks for it
                return
            if outcome.cost is not None and not outcome.stream_fault:
                self.default = self.objective.widened(self.default, outcome.cost)

    async def tied(self, recipe: Recipe, cheapest: Recipe) -> Evaluation | None:
        """A candidate's record beside the cheapest one, if the estimate does not tell the two apart.

        Args:
            recipe: a candidate that was found right.
            cheapest: the recipe of the cheapest one.

        Returns:
            Its record; None if the two are distinguishable, or no worker survives it.
        """
        arguments = *self._base, self._job, str(recipe), str(cheapest)
        try:
            outcome = await self._pool.run(tasks.tied, *arguments, timeout_seconds=self._patience)
        except WorkerLost:
            return None
        return None if outcome is None else self.record(outcome, with_rows=True)

    async def up_to_right(self, recipes: Sequence[str]) -> list[Evaluation]:
        """Records of candidates in order, up to the first that is right on all inputs that candidates share. One worker
        looks at all of them. So what is found does not depend on how many workers there are. Raises WorkerLost."""
        arguments = *self._base, self._job, recipes
        found = await self._pool.run(tasks.up_to_right, *arguments, timeout_seconds=self._patience)
        return [self.record(one, with_rows=False) for one in found]

    async def expansion(self, recipe: Recipe) -> Expansion:
        """What a search can go on to from a candidate. A successor that costs the worker is recorded as such."""
        arguments = *self._base, self._job, str(recipe)
        try:
            found = await self._pool.run(tasks.expansion, *arguments, timeout_seconds=self._patience)
        except WorkerLost:
            # It is one of its successors that costs the workers: the recipe itself is none the worse.
            return Expansion(await self._successors_one_by_one(recipe), {})
        self.asked += found.reuse
        return found

    async def _successors_one_by_one(self, recipe: Recipe) -> dict[str, str]:
        """The successors that can be found without losing the worker; the others go into quarantine."""
        found: dict[str, str] = {}
        for one in backend_of(self._job.target.backend).passes(self._job.allowance.exactness):
            arguments = *self._base, self._job, str(recipe), str(one)
            try:
                found |= await self._pool.run(tasks.expand, *arguments, timeout_seconds=self._patience)
            except WorkerLost as lost:
                longer = Recipe(recipe.choices, (*recipe.passes, one))
                self._store.evaluations.record(quarantined(str(longer), lost, self.identity))
        return found

    async def starts(self, setting: Setting, transferred: list[str]) -> tuple[str, ...]:
        """The recipes that a search starts from by a setting.

        Args:
            setting: inside the toolchain; empty for the default lowering.
            transferred: recipes that won on similar models.

        Returns:
            Recipes in the order in which they are tried.
        """
        arguments = *self._base, self._job, setting, transferred
        return await self._pool.run(tasks.starts, *arguments, timeout_seconds=PREPARE_SECONDS)

    async def bound_of(self, recipe: str) -> Bound | None:
        """A lower bound for all sequences of passes, with the recipe's choices inside the toolchain, if known."""
        arguments = *self._base, self._job, recipe
        found = await self._pool.run(tasks.bound, *arguments, timeout_seconds=PREPARE_SECONDS)
        return None if found is None else Bound(**asdict(found))

    def record(self, outcome: Outcome, with_rows: bool) -> Evaluation:
        """The record of a candidate.

        Args:
            outcome: what came of it.
            with_rows: keep its cycles per operator too.

        Returns:
            The record.
        """
        return evaluation_of(outcome, self.identity, self.objective, self.default, with_rows)

    def violations(self, cost: Numbers) -> dict[str, float]:
        """See `FamilyObjective.violations`."""
        return self.objective.violations(cost, self.default)

    @property
    def _base(self) -> tuple[Shared[Base], str]:
        """The arguments of each task that say of what base program it is."""
        return self._opened.shared, self._opened.base.key
