"""Tune one model for one target: lower it, search, store the best."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol

from results.records.best import Best
from results.records.compare import phantom_of
from results.records.evaluation import Evaluation
from results.records.figures import Bound, Reuse
from results.records.identity import Identity
from results.records.record import RunStatus
from results.reports.pareto import Pareto, pareto_of
from results.reports.prediction_error import error_for
from results.store.store import Store
from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from search_space.recipe.seed_recipes import is_mend, mends_first
from tuner.search.candidates import Answer, Candidate
from tuner.search.neighbours import one_less
from tuner.search.ordered_tasks import side_by_side
from tuner.search.samplers import SamplerName
from tuner.search.search import Search
from tuner.search.search_clock import SearchClock
from tuner.search.studies import open_study
from tuner.search.warm_start import WarmStart, recorded_starts
from tuner.tuning.ablation import without_each
from tuner.tuning.answers import MayLead, answer_of
from tuner.tuning.evaluations import evaluation_of, quarantined, shortfalls
from tuner.tuning.identity import identity_of
from tuner.tuning.objective import Objective
from tuner.tuning.progress import Progress
from tuner.tuning.withheld import cheapest_withheld, least_sram
from tuner.tuning.wrong_bests import warnings_by_cause
from workers import tasks
from workers.backend.base import Base
from workers.backend.cost import Numbers
from workers.backend.job import Job
from workers.backend.registry import backend_of
from workers.cache.hit_counts import Reuse as AskedFor
from workers.errors import ModelError
from workers.evaluator import Outcome, Wanted, always
from workers.pool.ray_pool import Pool, WorkerLost
from workers.pool.shared import Shared

#: The slowest models known take minutes to lower and to run through the reference model.
_PREPARE_SECONDS = 1800.0
_DEFAULT_SECONDS = 1800.0
#: A candidate is given this many times what the default took, and no less than the floor: the default may have come
#: from the memo, and checking a candidate of the slowest model known takes minutes.
_PATIENCE, _FLOOR_SECONDS = 20.0, 600.0

_NO_EXPERIENCE = WarmStart()

#: A long recipe has some 20 elements, each of which is left out once.
_LEAST_TO_SHORTEN = 16

#: Candidates that one call to a worker looks at after a best was found wrong: it has no more time than one candidate.
_TOGETHER = 16

Ending = Literal["exhausted", "trials", "timeout"]


@dataclass(frozen=True)
class Budget:
    """When a search stops, besides when there is nothing left to try.

    trials: candidates evaluated, those of earlier runs included. seconds: of search in this run as `SearchClock` counts
    them, or None.
    """

    trials: int
    seconds: float | None = None

    @property
    def to_shorten(self) -> int:
        """Candidates beyond the trials that leave out what the best recipe does not need."""
        return max(_LEAST_TO_SHORTEN, self.trials // 2)


class Turn(Protocol):
    """Shares out what a search may spend together with others."""

    async def ended(self, cycles: int | None) -> Ending | None:
        """Asked while nothing is under way; waits until the search may go on (None) or says that it may not.

        cycles: of its best so far, None if there is none.
        """

    def left(self, most: int) -> int:
        """How many of `most` candidates may be evaluated before `ended` is to be asked again."""

    def spend(self, candidates: int) -> None:
        """So many are being evaluated now."""


@dataclass(frozen=True)
class _Found:
    """What came of a candidate. outcome: None if every worker that tried it was lost. record: None of a candidate that
    was known."""

    candidate: Candidate
    outcome: Outcome | None
    record: Evaluation | None
    answer: Answer


@dataclass(frozen=True)
class Tuned:
    """What came of a job. phantom: the evaluated candidate with the fewest cycles by Vela's estimate, if it is dearer
    than the best by what is in its command stream. fronts: of cycles against SRAM, and against quality where more than
    exact recipes are allowed; of all candidates that are right. bound: what no candidate can go below. without: see
    `tuner.tuning.ablation`. reuse: of this run."""

    best: Best
    base: Base
    phantom: Evaluation | None
    fronts: tuple[Pareto, ...]
    bound: Bound | None
    without: tuple[Evaluation | None, ...]
    reuse: Reuse


async def tune(
    job: Job, objective: Objective, budget: Budget, pool: Pool, store: Store, studies: Path, progress: Progress,
    turn: Turn | None = None, sampler: SamplerName = "ours", experience: WarmStart = _NO_EXPERIENCE,
    clock: SearchClock | None = None,
) -> Tuned:  # fmt: skip
    """The best recipe for a job; taken up where an earlier run of the same job left it, and stored.

    turn: stops the search besides the budget; what it stopped for lack of time is not shortened. sampler: who proposes
    candidates. experience: what a new search may start from besides its own starting points. clock: of all searches
    that share the pool.

    Raises ModelError if the model cannot be lowered, compiled or checked at all.
    """
    clock = clock or SearchClock(pool.jobs)
    run, base = await _opened(job, objective, pool, store, studies, progress, clock, sampler, experience)
    ending = await run.search_within(budget, turn)
    if turn is None or ending != "timeout":
        await run.shorten(budget)
    best = await run.store_best(ending)
    progress.done(job, best)
    await run.explain(best.recipe)
    await run.execute_fronts(best)
    evaluations = store.evaluations(best.identity.key)
    if withheld := cheapest_withheld(best, evaluations, objective):
        progress.warning(job, str(withheld))
    phantom = phantom_of(best, evaluations)
    without = without_each(best.recipe, evaluations)
    fronts = tuple(run.fronts(best, evaluations))
    return Tuned(best, base, phantom, fronts, await run.bound_of(best.recipe), without, run.reuse)


async def replay(
    job: Job, recipe: Recipe, objective: Objective, status: RunStatus, pool: Pool, store: Store, studies: Path,
    progress: Progress, experience: WarmStart = _NO_EXPERIENCE,
) -> Best:  # fmt: skip
    """Evaluate the default and a recipe that was found elsewhere; a search goes on from it later.

    status: of the best that is stored then. experience: as of `tune`. Raises ModelError as `tune` does.
    """
    clock = SearchClock(pool.jobs)
    run, _ = await _opened(job, objective, pool, store, studies, progress, clock, experience=experience)
    await run.try_first(recipe)
    return await run.store_best(status)


async def _opened(
    job: Job, objective: Objective, pool: Pool, store: Store, studies: Path, progress: Progress,
    clock: SearchClock, sampler: SamplerName = "ours", experience: WarmStart = _NO_EXPERIENCE,
) -> tuple[_Run, Base]:  # fmt: skip
    progress.lowering(job)
    with clock.lowering():
        try:
            prepared = await pool.run(tasks.prepare, job, timeout_seconds=_PREPARE_SECONDS)
        except WorkerLost as lost:
            raise ModelError(f"{job.source}: lowering it for {job.target.label} failed, {lost}") from lost
        shared = pool.share(prepared.base)
        settings = await _open_settings(job, prepared.base, shared, pool)
    run = _Run(job, objective, prepared, settings, sampler, shared, pool, store, studies, progress, clock)
    await run.begin(experience)
    return run, prepared.base


async def _open_settings(job: Job, base: Base, shared: Shared[Base], pool: Pool) -> dict[Setting, tuple[str, ...]]:
    """Those that make the toolchain lower the model to another program, with the same outputs unless the job allows
    more -> where searches start."""
    backend = backend_of(job.target.backend)

    async def enter(setting: Setting) -> tuple[str, ...] | None:
        try:
            return await pool.run(tasks.enter, shared, base.key, job, setting, timeout_seconds=_PREPARE_SECONDS)
        except WorkerLost as lost:
            backend.remember_lost(job, base, setting, str(lost))
            return None

    settings = backend.open_settings(job, base)
    if job.allowance.exactness >= Exactness.PRECISION:
        try:
            settings += await pool.run(tasks.measured_settings, shared, base.key, job, timeout_seconds=_PREPARE_SECONDS)
        except WorkerLost as lost:
            raise ModelError(f"{job.source}: measuring which layers bear other widths failed, {lost}") from lost
    starts = await asyncio.gather(*map(enter, settings))
    return {setting: found for setting, found in zip(settings, starts, strict=True) if found is not None}


def _as_if_executed(one: Evaluation) -> Evaluation:
    """The record as it will be if its command streams turn out right."""
    return replace(one, verified=one.has_right_programs, check={**one.check, "executed": True})


class _Run:
    def __init__(
        self, job: Job, objective: Objective, prepared: tasks.Prepared,
        settings: Mapping[Setting, tuple[str, ...]], sampler: SamplerName, shared: Shared[Base],
        pool: Pool, store: Store, studies: Path, progress: Progress, clock: SearchClock,
    ) -> None:  # fmt: skip
        self._job, self._objective, self._base = job, objective.on(job.target.backend), prepared.base
        self._pool, self._store, self._progress, self._clock = pool, store, progress, clock
        self._shared = shared
        self._identity: Identity = identity_of(prepared.base, job.target, objective)
        store.register(self._identity)
        self._study = open_study(studies, self._identity, job.seed, sampler)
        self._prepared, self._settings, self._sampler = prepared, settings, sampler
        earlier = store.best(self._identity.key)
        self._seconds_before = earlier.seconds if earlier is not None and earlier.seed == job.seed else 0.0
        self._started = time.monotonic()
        self._patience = _DEFAULT_SECONDS
        self._asked = AskedFor()
        self._programs: Counter[str] = Counter()
        self._better: Outcome | None = None  # than what the store was told

    @property
    def reuse(self) -> Reuse:
        """Of the candidates of this run."""
        evaluations = self._programs.total()
        duplicates = sum(count - 1 for program, count in self._programs.items() if program)
        return Reuse(evaluations=evaluations, duplicates=duplicates, **asdict(self._asked))

    async def begin(self, experience: WarmStart) -> None:
        """Evaluate the default, and begin the search or take it up."""
        for warning in self._base.warnings:
            self._progress.warning(self._job, warning)
        default = self._default_record = await self._evaluate_default()
        self._patience = max(_FLOOR_SECONDS, _PATIENCE * default.seconds)
        allowed = self._job.allowance.exactness
        learnt = recorded_starts(self._study, lambda: experience.starts_for(self._identity, default, allowed))
        starts, by_setting = self._prepared.starts, dict(self._settings)
        if learnt:
            starts = await self._starts((), learnt)
            by_setting = {setting: await self._starts(setting, learnt) for setting in by_setting}
        if default.status == "wrong":
            starts = mends_first(starts)
            by_setting = {setting: mends_first(each) for setting, each in by_setting.items()}
            await self._widen_limits(starts)
        passes = tuple(map(str, backend_of(self._job.target.backend).passes(Exactness.EXACT)))
        found = self._prepared.choices, self._job.seed, starts, by_setting, self._sampler, passes
        self._search = Search(self._study, *found)
        reached = self._search.states.best()
        best_so_far = reached.cycles if reached is not None else None
        error = error_for(self._identity, self._store.measurements(self._identity.target))
        self._progress.searching(self._job, default, self._base, best_so_far, error)

    async def _starts(self, setting: Setting, learnt: list[str]) -> tuple[str, ...]:
        arguments = self._shared, self._base.key, self._job, setting, learnt
        return await self._pool.run(tasks.starts, *arguments, timeout_seconds=_PREPARE_SECONDS)

    async def try_first(self, recipe: Recipe) -> None:
        """Evaluate a recipe that the search did not ask for."""
        asked = iter((self._search.ask_for(recipe),))
        await self._find_out_all(lambda *_: next(asked, []), self._find_out)

    async def search_within(self, budget: Budget, turn: Turn | None) -> Ending:
        self._started = time.monotonic()
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

    async def explain(self, recipe: str) -> None:
        """Record what each operator costs without each element of the best recipe, as far as that was evaluated."""
        for shorter in one_less(Recipe.parse(recipe)):
            known = self._store.evaluation(self._identity.key, str(shorter))
            if known is not None and known.has_right_programs and not known.operators:
                self._store.record_evaluation(await self._evaluate(shorter))

    def fronts(self, best: Best, evaluations: Sequence[Evaluation]) -> Iterator[Pareto]:
        """As in `Tuned`."""
        limits = self._objective.front_limits
        yield pareto_of(best, evaluations, limits)
        if self._job.allowance:
            yield pareto_of(best, evaluations, limits, "quality")

    async def execute_fronts(self, best: Best) -> None:
        """Execute the command streams of all that is on a front if it is right, until no more comes to be on one."""
        tried: set[str] = set()
        while True:
            known = self._store.evaluations(self._identity.key)
            unexecuted = {one.recipe for one in known if one.is_unexecuted and one.recipe not in tried}
            if_right = [_as_if_executed(one) if one.is_unexecuted else one for one in known]
            shown = {point.recipe for front in self.fronts(best, if_right) for point in front.front}
            if not unexecuted & shown:
                return
            tried |= unexecuted & shown
            for recipe in sorted(unexecuted & shown):
                self._store.record_evaluation(await self._evaluate(Recipe.parse(recipe)))

    async def shorten(self, budget: Budget) -> None:
        """Leave out of the best recipe what it costs nothing to leave out, which also tells what each element of the
        rest brings. Takes no more than half the search's time, and as many candidates as the budget says."""
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
            self._asked += found.outcome.reuse
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
        self._store.record_evaluations([one.record for one in found if one.record is not None])
        self._search.keep()
        if self._better is not None:
            # Whoever looks it up after a kill finds the best so far.
            self._set_best(self._record(self._better, with_rows=True), "interrupted")
            self._better = None

    async def _find_out(self, candidate: Candidate, with_rows: bool = False) -> _Found:
        if candidate.known is not None:
            return await self._led_on(candidate, candidate.known)
        wanted = MayLead(self._objective, self._default, candidate.execute_to, candidate.expand_to)
        try:
            outcome = await self._outcome(str(candidate.recipe), wanted=wanted)
        except WorkerLost as lost:
            return _Found(candidate, None, quarantined(str(candidate.recipe), lost, self._identity), Answer("", None))
        record = self._record(outcome, with_rows)
        answer = answer_of(outcome, self._objective, self._default)
        if candidate.asks_for_more(answer):
            answer = await self._expanded(candidate.recipe, answer)
        return _Found(candidate, outcome, record, answer)

    async def _led_on(self, candidate: Candidate, known: Answer) -> _Found:
        """What follows on a candidate that was evaluated, and what executing its command streams shows."""
        try:
            outcome = await self._outcome(str(candidate.recipe))
        except WorkerLost:
            return _Found(candidate, None, None, replace(known, successors={}, sites={}))
        self._store.record_evaluation(self._record(outcome, with_rows=False))
        violation = answer_of(outcome, self._objective, self._default).violation
        return _Found(
            candidate, None, None, await self._expanded(candidate.recipe, replace(known, violation=violation))
        )

    async def _expanded(self, recipe: Recipe, answer: Answer) -> Answer:
        """The answer with what follows on the recipe."""
        arguments = self._shared, self._base.key, self._job, str(recipe)
        try:
            found = await self._pool.run(tasks.expansion, *arguments, timeout_seconds=self._patience)
        except WorkerLost:
            # It is one of its successors that costs the workers: the recipe itself is none the worse.
            return replace(answer, successors=await self._successors_one_by_one(recipe), sites={})
        self._asked += found.reuse
        return replace(answer, successors=found.successors, sites=found.sites)

    async def _successors_one_by_one(self, recipe: Recipe) -> dict[str, str]:
        """The successors that can be found without losing the worker; the others go into quarantine."""
        found: dict[str, str] = {}
        for one in backend_of(self._job.target.backend).passes(self._job.allowance.exactness):
            arguments = self._shared, self._base.key, self._job, str(recipe), str(one)
            try:
                found |= await self._pool.run(tasks.expand, *arguments, timeout_seconds=self._patience)
            except WorkerLost as lost:
                longer = Recipe(recipe.choices, (*recipe.passes, one))
                self._store.record_evaluation(quarantined(str(longer), lost, self._identity))
        return found

    async def _evaluate(self, recipe: Recipe, whole: bool = False) -> Evaluation:
        """A candidate's record with its operators, not counted as a try: the memo has what it costs. whole: see
        `workers.evaluator.Evaluator.evaluate`."""
        try:
            outcome = await self._outcome(str(recipe), whole)
        except WorkerLost as lost:
            return quarantined(str(recipe), lost, self._identity)
        return self._record(outcome, with_rows=True)

    async def _evaluate_default(self) -> Evaluation:
        """Its record; what it costs is what candidates are compared with from then on."""
        try:
            outcome = await self._outcome(str(Recipe()))
        except WorkerLost as lost:
            raise ModelError(f"{self._job.source}: the default lowering {lost.kind}, {lost.detail}") from lost
        if outcome.cost is None:
            raise ModelError(f"{self._job.source}: the default lowering is {outcome.status}, {outcome.reason}")
        if short := shortfalls(outcome, self._objective):
            raise ModelError(f"{self._job.source}: not even the default lowering will do, {' and '.join(short)}")
        self._default = outcome.cost
        if outcome.stream_fault:
            self._progress.warning(self._job, f"the default lowering is compiled wrong: {outcome.stream_fault}")
        return self._record(outcome, with_rows=True)

    async def _widen_limits(self, starts: Sequence[str]) -> None:
        """Allow what the plainest mend of a wrong default lowering needs. A mend adds operations: within the limits
        that follow from the wrong default there may be nothing that is right."""
        for mend in filter(is_mend, starts[:1]):
            try:
                outcome = await self._outcome(mend)
            except WorkerLost:  # it is recorded when the search asks for it
                return
            if outcome.cost is not None and not outcome.stream_fault:
                self._default = self._objective.widened(self._default, outcome.cost)

    def _violations(self, cost: Numbers) -> dict[str, float]:
        return self._objective.violations(cost, self._default)

    def _record(self, outcome: Outcome, with_rows: bool) -> Evaluation:
        return evaluation_of(outcome, self._identity, self._objective, self._default, with_rows)

    async def _outcome(self, recipe: str, whole: bool = False, wanted: Wanted = always) -> Outcome:
        arguments = self._shared, self._base.key, self._job, recipe, whole, wanted
        return await self._pool.run(tasks.evaluate, *arguments, timeout_seconds=self._patience)

    async def bound_of(self, recipe: str) -> Bound | None:
        """What no sequence of passes can go below, with the recipe's choices inside the toolchain, if that is known."""
        arguments = self._shared, self._base.key, self._job, recipe
        found = await self._pool.run(tasks.bound, *arguments, timeout_seconds=_PREPARE_SECONDS)
        return None if found is None else Bound(**asdict(found))

    def _by_merit(self) -> Iterator[Recipe]:
        """What this search found right and within the limits, the cheapest first; of equals the more exact, the
        shorter, then the one that needs less SRAM. The default is among them."""
        found = [
            (one.figures, Recipe.parse(one.recipe))
            for one in self._store.evaluations(self._identity.key)
            if one.has_right_programs and one.figures is not None
        ]
        known = {
            (figures.cycles, recipe.exactness, len(recipe.elements), figures.sram_bytes, str(recipe)): recipe
            for figures, recipe in found
            if self._search.has_tried(recipe) and not self._violations(figures)
        }
        best = self._search.states.best()
        merits = sorted(known)
        # The study may know of a cheaper one that the store lost.
        if best is not None and best.cycles is not None and all(best.cycles < one[0] for one in merits[:1]):
            yield best.recipe
        yield from (known[merit] for merit in merits)

    async def store_best(self, status: RunStatus) -> Best:
        """Store the best so far, with its operators and the default's; what the store then holds.

        It is right also by what the reference model makes of whole programs. One that is not is recorded as wrong, and
        so is what follows it by merit, up to the first one that is right on all inputs that candidates share.
        """
        best = None
        wrong: list[Evaluation] = []
        by_merit = deque(self._by_merit())
        while by_merit and best is None:
            found = await self._evaluate(by_merit.popleft(), whole=True)
            if found.status == "ok":
                best = found
            else:
                wrong += self._recorded_as_wrong((found,))
                wrong += self._recorded_as_wrong(await self._next_wrong(by_merit))
        for line in warnings_by_cause(wrong):
            self._progress.warning(self._job, line)
        if best is not None:
            return self._set_best(best, status)
        beyond = [*self._violations(self._default)]
        if self._default_record.status == "wrong":
            beyond.append(f"it is wrong: {self._default_record.reason}")
        seen = ""
        if self._objective.max_sram_bytes and (least := least_sram(self._store.evaluations(self._identity.key))):
            seen = f"; the least SRAM that was seen is {least:,} bytes"
        raise ModelError(
            f"{self._job.source}: nothing right was found within the limits; of the default lowering "
            f"{' and '.join(beyond) or 'nothing is known'}{seen}"
        )

    async def _next_wrong(self, by_merit: deque[Recipe]) -> list[Evaluation]:
        """Take from the front those whose command streams are not right on all inputs that candidates share. One worker
        at a time looks at some of them, so that what is found does not depend on how many workers there are."""
        wrong: list[Evaluation] = []
        while by_merit:
            some = tuple(map(str, islice(by_merit, _TOGETHER)))
            arguments = self._shared, self._base.key, self._job, some
            try:
                found = await self._pool.run(tasks.up_to_right, *arguments, timeout_seconds=self._patience)
            except WorkerLost:  # the next one is evaluated by itself
                break
            records = [self._record(one, with_rows=False) for one in found]
            is_right = records[-1].status == "ok"
            for one in records[:-1] if is_right else records:
                wrong.append(one)
                by_merit.popleft()
            if is_right:
                break
        return wrong

    def _recorded_as_wrong(self, found: Sequence[Evaluation]) -> Sequence[Evaluation]:
        for one in found:
            if one.status != "wrong":
                raise ModelError(
                    f"{self._job.source}: {one.recipe} was right before and is {one.status} now, {one.reason}"
                )
        self._store.record_evaluations(found)
        return found

    def _set_best(self, best: Evaluation, status: RunStatus) -> Best:
        """best: with its operators."""
        evaluations, distinct = self._store.counts(self._identity.key)
        return self._store.set_best(
            Best(
                identity=self._identity,
                default=self._default_record,
                best=best,
                recipe=best.recipe,
                evaluations=evaluations,
                distinct=distinct,
                seconds=self._seconds_before + time.monotonic() - self._started,
                status=status,
                seed=self._job.seed,
            )
        )
