"""Which candidate is stored as the best: the cheapest that is right on all inputs. The check shares no values between
programs."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.record import RunStatus
from search_space.recipe.recipe import Recipe
from tuner.search.search import Search
from tuner.tuning.best.best_record import BestRecord
from tuner.tuning.best.withheld import best_by_quality, least_sram
from tuner.tuning.best.wrong_bests import warnings_by_cause
from tuner.tuning.context import TuningContext
from tuner.tuning.evaluation.evaluation_client import EvaluationClient
from workers.backend.job import Job
from workers.errors import ModelError
from workers.pool.failures import WorkerLost

#: Candidates that one call to a worker looks at after a best was found wrong: it has no more time than one candidate.
_TOGETHER = 16


class BestCheck:
    """Checks what a search found, the cheapest first.

    Args:
        search: what was found right, and which recipes were tried.
        client: evaluates them again, on all inputs.
        best: stores the one that is right.
    """

    def __init__(
        self, job: Job, search: Search, client: EvaluationClient, best: BestRecord, context: TuningContext
    ) -> None:
        """Check the best of one search.

        Args:
            job: the model and its target.
            search: whose best it is.
            client: evaluates it.
            best: records it.
            context: of the command.
        """
        self._job, self._search, self._client, self._best = job, search, client, best
        self._store, self._progress = context.store, context.progress

    async def store_best(self, status: RunStatus) -> Best:
        """Store the best so far, with its operators and the default's; what the store then holds.

        It is right also by what the reference model makes of whole programs. One that is not is recorded as wrong. So
        is the next by merit, up to the first that is right on all shared inputs.

        Raises:
            ModelError: nothing right was found within the limits.
        """
        best = None
        wrong: list[Evaluation] = []
        merits = list(self._by_merit())
        by_merit = deque(merits)
        while by_merit and best is None:
            found = await self._client.evaluate(by_merit.popleft(), whole=True)
            if found.status == "ok":
                best = found
            else:
                wrong += self._recorded_as_wrong((found,))
                wrong += self._recorded_as_wrong(await self._next_wrong(by_merit))
        for line in warnings_by_cause(wrong):
            self._progress.warning(self._job, line)
        if best is None:
            raise ModelError(self._nothing_right())
        smallest = await self._smallest_tied(best, merits)
        if smallest is None or best.figures is None:
            return self._best.store(best, status)
        self._progress.tied(self._job, best)
        return self._best.store(smallest, status, tied_with=best.figures.cycles)

    async def _smallest_tied(self, cheapest: Evaluation, merits: Sequence[Recipe]) -> Evaluation | None:
        """The smallest file among the candidates that the estimate does not tell apart from the cheapest one; None if
        that is the cheapest one's own.

        Such ties are not transitive. So the cheapest one alone says which they are, and no order of trials matters.
        """
        if not self._client.objective.has_ties or cheapest.figures is None:
            return None
        known = {one.recipe: one.figures for one in self._store.evaluations.of(self._client.identity.key)}
        sizes = [(one.flash_bytes, at) for at, recipe in enumerate(merits) if (one := known.get(str(recipe)))]
        for size, at in sorted(sizes):
            if size >= cheapest.figures.flash_bytes:
                break
            found = await self._client.tied(merits[at], Recipe.parse(cheapest.recipe))
            if found is not None and found.status == "ok":
                return found
        return None

    def _by_merit(self) -> Iterator[Recipe]:
        """What this search found right and within the limits, the cheapest first. Of equals, the more exact one comes
        first, then the shorter, then the one that needs less SRAM. The default is among them."""
        found = [
            (one.figures, Recipe.parse(one.recipe))
            for one in self._store.evaluations.of(self._client.identity.key)
            if one.has_right_programs and one.figures is not None
        ]
        known = {
            (figures.cycles, recipe.exactness, len(recipe.elements), figures.sram_bytes, str(recipe)): recipe
            for figures, recipe in found
            if self._search.has_tried(recipe) and not self._client.violations(figures)
        }
        best = self._search.states.best()
        merits = sorted(known)
        # The study may know of a cheaper one that the store lost.
        if best is not None and best.cycles is not None and all(best.cycles < one[0] for one in merits[:1]):
            yield best.recipe
        yield from (known[merit] for merit in merits)

    async def _next_wrong(self, by_merit: deque[Recipe]) -> list[Evaluation]:
        """Take from the front those whose command streams are not right on all inputs that candidates share."""
        wrong: list[Evaluation] = []
        while by_merit:
            try:
                records = await self._client.up_to_right(tuple(map(str, islice(by_merit, _TOGETHER))))
            except WorkerLost:  # the next one is evaluated by itself
                break
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
        self._store.evaluations.record_all(found)
        return found

    def _nothing_right(self) -> str:
        """In one line, why nothing can be offered."""
        default, seen = self._best.default, ""
        faults = [*self._client.violations(self._client.default)]
        if default.status == "wrong":
            faults.append(f"it is wrong: {default.reason}")
        evaluations = self._store.evaluations.of(self._client.identity.key)
        others = Counter(one.reason for one in evaluations if one.status == "wrong" and one.reason != default.reason)
        if others:
            reason, count = min(others.items(), key=lambda one: (-one[1], one[0]))
            seen = f"; {count} other candidates are wrong by one cause: {reason}"
        if (nearest := best_by_quality(evaluations)) and nearest.quality:
            seen += f"; {nearest.recipe} is not offered, {nearest.quality.shortfall}"
        if self._client.objective.max_sram_bytes and (least := least_sram(evaluations)):
            seen += f"; the least SRAM that was seen is {least:,} bytes"
        return (
            f"{self._job.source}: nothing right was found within the limits; of the default lowering "
            f"{' and '.join(faults) or 'nothing is known'}{seen}"
        )
