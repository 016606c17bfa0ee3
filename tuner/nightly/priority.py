"""The order in which a night searches models and targets: those that probably gain most come first.

The law, least rank first: what was never tuned comes first. What the toolchain changed is next, the most worsened
before others. Searches that ran out of time follow, those that gained most lately before others. Searches that stopped
because they gained no more come last, after `fresh_days`. Exhausted spaces are never searched again, for nothing is
left in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from results.nightly.night import Drift
from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.record import RunStatus
from tuner.nightly.scheduler import SLICE, Rank

Kind = Literal["new", "changed", "unfinished", "stale", "fresh"]
_ORDER: tuple[Kind, ...] = ("new", "changed", "unfinished", "stale", "fresh")


@dataclass(frozen=True)
class Priority:
    """When a job is searched in a night.

    Attributes:
        why: for people.
        promise: what the search gained lately, or the toolchain lost, in percent.
        status: of the best under the present identity, None if there is none.
    """

    kind: Kind
    why: str
    promise: float = 0.0
    status: RunStatus | None = None

    @property
    def is_fresh(self) -> bool:
        return self.kind == "fresh"

    @property
    def rank(self) -> Rank:
        """For `tuner.nightly.scheduler.Share`."""
        return _ORDER.index(self.kind), -self.promise

    def after(self, drift: Drift) -> Priority:
        """Now that it is known how much worse the recipe of before became. One that is wrong now lost all it gained."""
        if self.kind != "changed":
            return self
        return replace(self, promise=100.0 if drift.best_percent is None else drift.best_percent)


def priority_of(
    present: Best | None, updated: str | None, before: Best | None, evaluations: Sequence[Evaluation], fresh_days: float
) -> Priority:
    """Whether and when a job is searched in a night.

    Args:
        present: the best under the present identity; None if there is none.
        updated: when it was stored last, UTC as `utc_now` writes it; None if there is none.
        before: the best under the versions of before; None if there is none.
        evaluations: under the present identity, the oldest first.
        fresh_days: days that a search which gained no more is not repeated for.

    Returns:
        The kind, why, and how much the last candidates gained.
    """
    if present is None or updated is None:
        return (
            Priority("changed", "the toolchain or the search space changed")
            if before
            else Priority("new", "never tuned")
        )
    if present.status == "exhausted":
        return Priority("fresh", "exhausted: nothing is left to try", status=present.status)
    promise = recent_gain(evaluations)
    if present.status in ("timeout", "interrupted"):
        return Priority("unfinished", f"its search ended early ({present.status})", promise, present.status)
    days = (datetime.now(UTC) - datetime.fromisoformat(updated)).total_seconds() / 86400
    if days <= fresh_days:
        return Priority("fresh", f"searched {days:.1f} days ago until it gained no more", promise, present.status)
    return Priority("stale", f"searched {days:.0f} days ago", promise, present.status)


def recent_gain(evaluations: Sequence[Evaluation]) -> float:
    """Percent of cycles that the latest slice of candidates saved."""
    cycles = [one.figures.cycles for one in evaluations if one.verified and one.figures]
    before, lately = cycles[:-SLICE], cycles[-SLICE:]
    if not before or not lately:
        return 0.0
    return 100.0 * max(0, min(before) - min(lately)) / max(1, min(before))
