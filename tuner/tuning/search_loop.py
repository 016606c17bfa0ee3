"""A search under way: asks for candidates, has them evaluated, reports their results."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from results.records.evaluation import Evaluation
from results.records.figures import Reuse
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer, Candidate
from tuner.search.ordered_tasks import side_by_side
from tuner.search.search import Search
from tuner.search.studies import open_study
from tuner.search.warm_start import recorded_starts
from tuner.tuning.best.best_record import BestRecord
from tuner.tuning.budget import Budget, Ending, Turn
from tuner.tuning.context import TuningContext
from tuner.tuning.evaluation.answers import MayLead, answer_of
from tuner.tuning.evaluation.evaluation_client import EvaluationClient
from tuner.tuning.evaluation.evaluations import quarantined
from tuner.tuning.opening import Opened
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.evaluator import Outcome
from workers.pool.failures import WorkerLost


@dataclass(frozen=True)
class _Found:
    """What came of a candidate.

    Attributes:
        outcome: None if every worker that tried it was lost.
        record: None of a candidate that was known.
    """

    candidate: Candidate
    outcome: Outcome | None
    record: Evaluation | None
    answer: Answer


async def begin_search(
    job: Job, found: Opened, client: EvaluationClient, best: BestRecord, context: TuningContext
) -> Search:
    """Evaluate the default, and begin the search or take it up where an earlier run left it.

    Args:
        job: the model and its target.
        found: its lowered model.
        client: evaluates.
        best: gets the default.
        context: of the command.

    Returns:
        The search.

    Raises:
        ModelError: the default lowering cannot be evaluated, or falls short of the user's limit of quality.
    """
    with context.clock.lowering():
        default = best.default = await client.evaluate_default()
        await client.prepare_whole_checks()
    study = open_study(context.studies, client.identity, job.seed, context.sampler)
    transferred = recorded_starts(
        study, lambda: context.experience.starts_for(client.identity, default, job.allowance.exactness)
    )
    starts, by_setting = found.prepared.starts, dict(found.settings)
    if transferred:
        starts = await client.starts((), transferred)
        by_setting = {setting: await client.starts(setting, transferred) for setting in by_setting}
    if default.status == "wrong":
        starts = workarounds_first(starts, job.target.backend)
        by_setting = {setting: workarounds_first(each, job.target.backend) for setting, each in by_setting.items()}
        await client.widen_limits(starts)
    passes = tuple(map(str, backend_of(job.target.backend).passes(Exactness.EXACT)))
    return Search(study, found.prepared.choices, job.seed, starts, by_setting, context.sampler, passes)


def workarounds_first(starts: Sequence[str], family: str) -> tuple[str, ...]:
    """Starting points in the order in which they are tried where the default lowering is wrong.

    The plainest workaround comes first. Few trials may be given, and each of the others does more that can go wrong.

    Args:
        starts: recipes in the order in which they are tried else.
        family: of the target.

    Returns:
        The same recipes.
    """
    is_workaround = backend_of(family).is_workaround
    return tuple(sorted(starts, key=lambda text: not is_workaround(text)))


class SearchLoop:
    """Runs one search."""

    def __init__(
        self, job: Job, search: Search, client: EvaluationClient, best: BestRecord, context: TuningContext
    ) -> None:
        """Run one search.

        Args:
            job: the model and its target.
            search: proposes candidates.
            client: evaluates them.
            best: stores what is better than all before, so that a lookup after a kill finds it.
            context: of the command.
        """
        self._job, self._search, self._client, self._best = job, search, client, best
        self._pool, self._store = context.pool, context.store
        self._progress, self._clock = context.progress, context.clock
        self._programs: Counter[str] = Counter()
        self._better: Outcome | None = None  # than what was reported to the store

    @property
    def reuse(self) -> Reuse:
        """Of the candidates of this run."""
        evaluations = self._programs.total()
        duplicates = sum(count - 1 for program, count in self._programs.items() if program)
        return Reuse(evaluations=evaluations, duplicates=duplicates, **asdict(self._client.asked))

    async def try_first(self, recipe: Recipe) -> None:
        """Evaluate a recipe that the search did not ask for."""
        asked = iter((self._search.ask_for(recipe),))
        await self._find_out_all(lambda *_: next(asked, []), self._find_out)

    async def within(self, budget: Budget, turn: Turn | None) -> Ending:
        """Search until a budget is spent, or nothing is left to try.

        Args:
            budget: seconds and trials of this search.
            turn: says when this search may go on where many share a budget; None where it is alone.

        Returns:
            Why it ended.
        """
        self._best.start()
        begun = self._clock.seconds

        def is_late() -> bool:
            return budget.seconds is not None and self._clock.seconds - begun > budget.seconds

        def ask(room: int, under_way: int) -> list[Candidate]:
            most = 0 if is_late() else min(room, budget.trials - self._search.evaluations - under_way)
            asked = self._search.ask(most if turn is None else turn.left(most))
            if turn is not None:
                turn.spend(sum(one.known is None for one in asked))
            return asked

        while True:
            reached = self._search.states.best()
            if turn is not None and (ending := await turn.ended(reached.cycles if reached is not None else None)):
                return ending
            await self._find_out_all(ask, self._find_out)
            if self._search.evaluations >= budget.trials:
                return "trials"
            if is_late():
                return "timeout"
            if turn is None or turn.left(1):
                return "exhausted"

    async def shorten(self, budget: Budget) -> None:
        """Leave out of the best recipe what saves nothing. This also shows how much each other element saves. Takes no
        more than half the search's time, and as many candidates as the budget says."""
        deadline = None if budget.seconds is None else self._clock.seconds + budget.seconds / 2
        left = budget.to_shorten
        while shorter := deque(self._search.ask_shorter()):

            def ask(room: int, under_way: int, shorter: deque[Candidate] = shorter) -> list[Candidate]:
                nonlocal left
                late = deadline is not None and self._clock.seconds > deadline
                asked = [shorter.popleft() for _ in range(0 if late else min(room, left, len(shorter)))]
                left -= len(asked)
                return asked

            # Their operators tell what elements bring where.
            await self._find_out_all(ask, partial(self._find_out, with_rows=True))
            if shorter:
                return

    async def _find_out_all(
        self, ask: Callable[[int, int], Sequence[Candidate]], find_out: Callable[[Candidate], Awaitable[_Found]]
    ) -> None:
        # A worker at work is sent one call more; one waits here, so that there is one to send as soon as there is room.
        at_once = 2 * self._pool.jobs + 1
        await side_by_side(ask, find_out, self._tell, self._keep, self._search.is_dropped, at_once)

    def _tell(self, found: _Found) -> None:
        reached = self._search.states.best()
        self._search.tell(found.candidate, found.answer)
        if found.outcome is not None:
            self._client.asked += found.outcome.reuse
            self._programs[found.outcome.program_hash] += 1
        if found.record is None:
            return
        if found.outcome is not None and self._search.states.best() != reached:
            self._better = found.outcome
        offered = found.answer.cycles is not None and not found.answer.violation
        counts = self._search.evaluations, len(self._search.states)
        self._progress.evaluated(self._job, *counts, found.record, offered)

    def _keep(self, found: Sequence[_Found]) -> None:
        """What the study holds is in the store: a search that is taken up does not evaluate it again."""
        self._store.evaluations.record_all([one.record for one in found if one.record is not None])
        self._search.keep()
        if self._better is not None:
            # Whoever looks it up after a kill finds the best so far.
            self._best.store(self._client.record(self._better, with_rows=True), "interrupted")
            self._better = None

    async def _find_out(self, candidate: Candidate, with_rows: bool = False) -> _Found:
        if candidate.known is not None:
            return await self._led_on(candidate, candidate.known)
        client = self._client
        wanted = MayLead(client.objective, client.default, candidate.execute_to, candidate.expand_to)
        try:
            outcome = await client.outcome(str(candidate.recipe), wanted=wanted)
        except WorkerLost as lost:
            return _Found(candidate, None, quarantined(str(candidate.recipe), lost, client.identity), Answer("", None))
        answer = answer_of(outcome, client.objective, client.default)
        if candidate.asks_for_more(answer):
            answer = await self._expanded(candidate.recipe, answer)
        return _Found(candidate, outcome, client.record(outcome, with_rows), answer)

    async def _led_on(self, candidate: Candidate, known: Answer) -> _Found:
        """What follows on a candidate that was evaluated, and what executing its command streams shows."""
        try:
            outcome = await self._client.outcome(str(candidate.recipe))
        except WorkerLost:
            return _Found(candidate, None, None, replace(known, successors={}, sites={}))
        self._store.evaluations.record(self._client.record(outcome, with_rows=False))
        violation = answer_of(outcome, self._client.objective, self._client.default).violation
        answer = await self._expanded(candidate.recipe, replace(known, violation=violation))
        return _Found(candidate, None, None, answer)

    async def _expanded(self, recipe: Recipe, answer: Answer) -> Answer:
        """The answer with what follows on the recipe."""
        found = await self._client.expansion(recipe)
        return replace(answer, successors=found.successors, sites=found.sites)
