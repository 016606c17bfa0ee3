"""Turns what a worker found into an answer to the search. Also decides whether the worker executes command streams for
it."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.search.candidates import Answer
from tuner.tuning.evaluation.evaluations import shortfalls
from tuner.tuning.objective import FamilyObjective
from workers.backend.cost import Cost
from workers.evaluator import Outcome

#: How far beyond the limits a candidate counts that Vela miscompiles: a search may go on from it, for what follows may
#: be compiled right, but rather goes on from others.
_MISCOMPILED = 1.0


def answer_of(outcome: Outcome, objective: FamilyObjective, default: Cost) -> Answer:
    """The answer to a search for a candidate.

    Args:
        outcome: what the worker found.
        objective: says what is minimised, and the limits.
        default: what the default lowering costs.

    Returns:
        The answer; its cycles are None if the candidate's program is not right.
    """
    cost = outcome.cost
    if cost is None:
        return Answer(outcome.program_hash, None, outcome.path)
    beyond = objective.violations(cost, default) | shortfalls(outcome, objective)
    if outcome.stream_fault:
        beyond[outcome.stream_fault] = _MISCOMPILED
    cycles = objective.cycles(cost, default)
    return Answer(outcome.program_hash, cycles, outcome.path, violation=sum(beyond.values()))


@dataclass(frozen=True)
class MayLead:
    """Whether a candidate may become the best, or the search may go on from it. Then its streams are executed.

    The others, which are most, cost more than one that was executed when they were proposed. That is known for the
    same candidates whatever the number of workers.

    Attributes:
        objective, default: as of `answer_of`.
        execute_to, expand_to: as of `tuner.search.candidates.Candidate`.
    """

    objective: FamilyObjective
    default: Cost
    execute_to: float
    expand_to: float

    def __call__(self, outcome: Outcome) -> bool:
        answer = answer_of(outcome, self.objective, self.default)
        return answer.cycles is not None and (answer.cycles <= self.execute_to or answer.value <= self.expand_to)
