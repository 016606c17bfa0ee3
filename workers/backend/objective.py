"""What a backend lets be minimised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workers.backend.cost import Numbers


@dataclass(frozen=True)
class NotMore:
    """A candidate may not have more of a sum of metrics than the default lowering.

    Attributes:
        title: what is counted, for messages; in the plural.
        metrics: names of those that are added up.
        limiting: names of those among them that a limit is widened for where the default lowering is wrong.
    """

    title: str
    metrics: tuple[str, ...]
    limiting: tuple[str, ...]

    def of(self, numbers: Numbers) -> int:
        return sum(numbers[name] for name in self.metrics)


@dataclass(frozen=True)
class ObjectiveKind:
    """One number that can be minimised.

    Attributes:
        minimised: what is counted, as identities have it.
        value: the number of a candidate, by its cost and that of the default lowering.
        limits: what a candidate may not exceed.
        facts: gives what else makes two results comparable: versions of the models that predict the number.
        has_ties: the number is an estimate that does not tell all candidates apart; see `Programs.tied`.
    """

    minimised: str
    value: Callable[[Numbers, Numbers], int]
    limits: tuple[NotMore, ...] = ()
    facts: Callable[[], Mapping[str, str]] = dict
    has_ties: bool = False
