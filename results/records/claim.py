"""What somebody else's search found: the best recipe of an identity, and what it is said to cost.

It comes from a file that people share. Nothing of it was checked on this machine, so it is never shown as verified.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.figures import Figures, Quality
from results.records.identity import Identity
from results.records.record import ExactnessClass, Record, RunStatus

ImportOutcome = Literal["new", "cheaper", "known", "refuted"]
"""What a store made of a claim. `new`: it has nothing of its own for the identity. `cheaper`: it has, but something
dearer. `known`, not kept: there is nothing to gain from it. `refuted`, not kept: the recipe was wrong or refused."""


@dataclass(frozen=True)
class Claim(Record):
    """The part of a `Best` that is worth sharing.

    Attributes:
        default, best: figures of the default recipe and of `recipe`, as evaluated where the claim comes from.
        evaluations, distinct, seconds, status, seed: of the search, as in `Best`.
        found: UTC time of the evaluation of `recipe`.
        exactness, quality: of the evaluation of `recipe`, as in `Evaluation`.
        default_fault: as in `Best`.

    Raises ValueError if the figures are not of the same kind. It also does if the best ones cost more than those of a
    default that is right.
    """

    recipe: str
    default: Figures
    best: Figures
    evaluations: int
    distinct: int
    seconds: float
    status: RunStatus
    seed: int
    found: str
    exactness: ExactnessClass = "exact"
    quality: Quality | None = None
    default_fault: str = ""

    def __post_init__(self) -> None:
        if self.default.label != self.best.label:
            raise ValueError("its figures and the default's are not of the same kind")
        if self.best.cycles > self.default.cycles and not self.default_fault:
            raise ValueError("it costs more cycles than the default")

    @classmethod
    def by(cls, best: Best) -> Claim:
        """What is shared of a best."""
        assert best.default.figures is not None and best.best.figures is not None  # both are ok
        return cls(
            recipe=best.recipe,
            default=best.default.figures,
            best=best.best.figures,
            evaluations=best.evaluations,
            distinct=best.distinct,
            seconds=round(best.seconds, 3),
            status=best.status,
            seed=best.seed,
            found=best.best.created,
            exactness=best.best.exactness,
            quality=best.best.quality,
            default_fault=best.default_fault,
        )

    def of(self, identity: Identity) -> Best:
        """The claim as a best, not verified, without programs and operators.

        Raises ValueError if a number is none that a best may have.
        """

        def evaluation(recipe: str, figures: Figures) -> Evaluation:
            return Evaluation(identity.key, recipe, "", "ok", figures=figures, created=self.found)

        default = evaluation("default", self.default)
        return Best(
            identity=identity,
            default=replace(default, status="wrong", reason=self.default_fault) if self.default_fault else default,
            best=replace(evaluation(self.recipe, self.best), exactness=self.exactness, quality=self.quality),
            recipe=self.recipe,
            evaluations=self.evaluations,
            distinct=self.distinct,
            seconds=self.seconds,
            status=self.status,
            seed=self.seed,
        )
