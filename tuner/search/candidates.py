"""Candidates that a search proposes, and answers with their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log

from search_space.recipe.recipe import Recipe
from tuner.search.neighbours import Sites


def value_of(cycles: int | None, violation: float) -> float:
    """What a program is worth to a search; less is better.

    Args:
        cycles: of the objective; None if the program is not right.
        violation: by which part it is beyond the limits, 0 if it is not.

    Returns:
        The natural logarithm of the cycles, plus the violation; `inf` if it is not right.
    """
    return inf if cycles is None else log(max(1, cycles)) + violation


def constraints_of(cycles: int | None, violation: float) -> dict[str, float]:
    """What a program may break.

    Args:
        cycles: of the objective; None if the program is not right.
        violation: by which part it is beyond the limits, 0 if it is not.

    Returns:
        Name of a constraint -> by how much it is broken; 0 means that it holds.
    """
    return {"right": 0.0 if cycles is not None else 1.0, "within limits": violation}


@dataclass(frozen=True)
class Candidate:
    """A recipe to evaluate.

    Attributes:
        recipe: to be evaluated.
        expand_to: whether its successors are to be found out as well. They are if its value, as `value_of` says, is at
            most this. Finding them takes longer than evaluating the candidate, and most are never asked for.
        known: what it came to, if only what follows on it is left to find out.
        execute_to: cycles of the best when this was proposed. If it costs no more, or leads on, its streams are
            executed.
        number: of the proposal, which the search gives it: a recipe that was dropped may be proposed again.
    """

    recipe: Recipe
    expand_to: float = inf
    known: Answer | None = None
    execute_to: float = inf
    number: int = -1

    def asks_for_more(self, answer: Answer) -> bool:
        """Whether what follows on it is to be found out, if the candidate came to this."""
        return answer.cycles is not None and answer.value <= self.expand_to


@dataclass(frozen=True)
class Answer:
    """What an evaluation says to the search.

    Attributes:
        cycles: None for a candidate that is not right.
        path: the program that the recipe's choices give, and the one after each of its passes. Empty if not all of them
            are known.
        successors: pass -> program, for passes that change this one; None if they were not found out.
        sites: of the recipe's passes, as in `tuner.search.neighbours`; None if they were not found out.
        violation: by which part it is beyond the limits, 0 if it is not.
    """

    program: str
    cycles: int | None
    path: tuple[str, ...] = ()
    successors: Mapping[str, str] | None = None
    sites: Sites | None = None
    violation: float = 0.0

    @property
    def value(self) -> float:
        """As `value_of` says."""
        return value_of(self.cycles, self.violation)


@dataclass(frozen=True)
class Result:
    """What a study keeps of a candidate whose answer was reported.

    Attributes:
        recipe: of the candidate.
        answer: the result of its evaluation.
        is_new: it was evaluated; else it was known and only what follows on it was found out.
        score: what is minimised, also of a candidate that is not right: see `ProgramGraph.score`.
        parameters: what a sampler that draws parameters drew: name -> (value, values that it may have).
    """

    recipe: Recipe
    answer: Answer
    is_new: bool
    score: int
    parameters: Mapping[str, tuple[str, tuple[str, ...]]]
