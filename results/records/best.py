"""The result of a search over one identity."""

from __future__ import annotations

from dataclasses import dataclass

from results.records.evaluation import Evaluation
from results.records.identity import Identity
from results.records.record import RUN_STATUSES, Record, RunStatus, finite, one_of, whole


@dataclass(frozen=True)
class Best(Record):
    """What a search over one identity found. The store accepts it only if `best` is ok and verified.

    Attributes:
        default: evaluation of the default recipe (stock ExecuTorch). It is `wrong`, with figures, where Vela
            miscompiles its program. Gains are reported against these figures all the same.
        best: the cheapest evaluation that is ok and verified; may be the default itself.
        recipe: the recipe to hand out; that of `best`.
        evaluations, distinct: evaluations made, and distinct programs among them.
        seconds: time that the search took, over all its runs.
        status: why the search stopped.
        seed: the seed of the search.
    """

    identity: Identity
    default: Evaluation
    best: Evaluation
    recipe: str
    evaluations: int
    distinct: int
    seconds: float
    status: RunStatus
    seed: int

    def __post_init__(self) -> None:
        one_of("Best.status", self.status, RUN_STATUSES)
        whole("Best.evaluations", self.evaluations)
        whole("Best.distinct", self.distinct)
        whole("Best.seed", self.seed)
        finite("Best.seconds", self.seconds)

    @property
    def default_fault(self) -> str:
        """What is wrong with the default lowering's command streams, in one line; empty if nothing is."""
        return self.default.reason if self.default.status == "wrong" else ""
