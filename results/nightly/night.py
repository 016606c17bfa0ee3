"""The result of a night as plain records, and the rule of what counts as a regression.

A night goes over models and targets. The same model and target under other versions of the toolchain or search space is
another identity. It has its own best. Here they are compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from results.records.best import Best
from results.records.compare import figures_of
from results.records.evaluation import Evaluation
from results.records.families import units_of
from results.records.identity import Identity, changed, described
from results.records.record import Record

Outcome = Literal["fresh", "tuned", "waiting", "failed", "quarantined"]

#: What decides whether cycles can be compared at all; versions and the model's content are looked at besides.
_SAME = ("target", "quantisation", "objective", "io_layout")


@dataclass(frozen=True)
class Change(Record):
    """A version that is another one now."""

    name: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.name} {self.before} → {self.now}"


@dataclass(frozen=True)
class Drift(Record):
    """What two recipes cost under the versions seen last and what they cost now; cycles are the objective.

    Attributes:
        changes: what brought it about.
        default_before, default_now: of stock ExecuTorch.
        best_before, best_now: of the recipe that was best before. best_now: None if it is not right any more.
        fault: why it is not; empty if it is.
    """

    changes: tuple[Change, ...]
    recipe: str
    default_before: int
    default_now: int
    best_before: int
    best_now: int | None
    fault: str = ""

    @property
    def default_percent(self) -> float:
        """More cycles than before count up."""
        return percent_more(self.default_before, self.default_now)

    @property
    def best_percent(self) -> float | None:
        return None if self.best_now is None else percent_more(self.best_before, self.best_now)


@dataclass(frozen=True)
class Reference(Record):
    """The fewest cycles that earlier versions came to, of the best recipe and of stock ExecuTorch's."""

    best_cycles: int
    best_versions: str
    default_cycles: int
    default_versions: str


@dataclass(frozen=True)
class NightEntry(Record):
    """What a night did for one model and target, and where they stand.

    Attributes:
        family: of the target; says what `default_cycles` and the like count. Empty if it is not known.
        why: why it was done or left, or what failed; one line.
        options: what else the suite file says of the model: input layout, calibration data, tolerated loss of quality.
        identity_key: empty if the model could not even be read.
        default_cycles, best_cycles, recipe: under the present identity; None and empty if nothing is known.
        default_fault: what is wrong with the default lowering's outputs, as in `results.records.best.Best`.
        before_cycles: of the best under the present identity when the night began; None if there was none.
        run_status: why its search stopped last.
        candidates: evaluated in this night.
        clock_hz: of the board's NPU; None if it is nobody's board.
        failures: nights in a row that failed, this one included.
        drift: where versions are others than in the night before.
        reference: where there are earlier versions to compare with.
    """

    model: str
    target: str
    outcome: Outcome
    why: str
    family: str = ""
    options: str = ""
    identity_key: str = ""
    default_cycles: int | None = None
    default_fault: str = ""
    best_cycles: int | None = None
    before_cycles: int | None = None
    recipe: str = ""
    run_status: str = ""
    candidates: int = 0
    failures: int = 0
    clock_hz: float | None = None
    drift: Drift | None = None
    reference: Reference | None = None

    @property
    def name(self) -> str:
        """The model and its options: one model may be there for a target more than once."""
        return f"{self.model} ({self.options})" if self.options else self.model

    @property
    def best_regression(self) -> float:
        """By how many percent today's best costs more than an earlier version's; 0 if it does not."""
        if self.reference is None or self.best_cycles is None:
            return 0.0
        return max(0.0, percent_more(self.reference.best_cycles, self.best_cycles))

    @property
    def default_regression(self) -> float:
        """The same of stock ExecuTorch's lowering."""
        if self.reference is None or self.default_cycles is None:
            return 0.0
        return max(0.0, percent_more(self.reference.default_cycles, self.default_cycles))

    @property
    def is_new_best(self) -> bool:
        """Whether this night found something cheaper than what it began with."""
        default = None if self.default_fault else self.default_cycles
        known = (default, self.before_cycles, self.drift.best_now if self.drift is not None else None)
        before = [cycles for cycles in known if cycles is not None]
        if self.best_cycles is None or not (before or self.default_fault):
            return False
        return not before or self.best_cycles < min(before)

    @property
    def account(self) -> str:
        """What came of it, in words."""
        return f"{self.outcome}: {self.why}" + ("; the default computes wrong outputs" if self.default_fault else "")


@dataclass(frozen=True)
class Limits(Record):
    """Regressions beyond these fail a night. In percent; None: however many percent, it is only reported."""

    best_percent: float = 1.0
    default_percent: float | None = None


@dataclass(frozen=True)
class Night(Record):
    """A whole night.

    Attributes:
        started, finished: UTC.
        seconds, candidates: spent, in all its runs if it was interrupted.
    """

    suite: str
    started: str
    finished: str
    seconds: float
    candidates: int
    limits: Limits
    versions: dict[str, str]
    entries: tuple[NightEntry, ...]

    def regressed(self, entry: NightEntry) -> bool:
        """Whether an entry is beyond a limit."""
        limit = self.limits.default_percent
        return entry.best_regression > self.limits.best_percent or (
            limit is not None and entry.default_regression > limit
        )

    @property
    def regressions(self) -> list[NightEntry]:
        return [entry for entry in self.entries if self.regressed(entry)]

    @property
    def drifts(self) -> list[NightEntry]:
        return [entry for entry in self.entries if entry.drift is not None]

    @property
    def new_bests(self) -> list[NightEntry]:
        return [entry for entry in self.entries if entry.is_new_best]

    @property
    def units(self) -> list[str]:
        """What its targets count, each once."""
        return units_of(entry.family for entry in self.entries)

    def of(self, *outcomes: Outcome) -> list[NightEntry]:
        """The entries with these outcomes."""
        return [entry for entry in self.entries if entry.outcome in outcomes]

    @property
    def headline(self) -> str:
        """The night in one line."""
        if len(self.of("fresh")) == len(self.entries) and not self.regressions:
            return f"nothing changed: all {len(self.entries)} are fresh"
        counted = (
            ("regressed", self.regressions),
            ("drifted", self.drifts),
            ("failed", self.of("failed")),
            ("in quarantine", self.of("quarantined")),
            ("new best", self.new_bests),
            ("tuned", self.of("tuned")),
            ("waiting for the next night", self.of("waiting")),
            ("fresh", self.of("fresh")),
        )
        return ", ".join(f"{len(entries)} {words}" for words, entries in counted if entries)


def percent_more(before: int, now: int) -> float:
    """By how many percent `now` is more than `before`; below 0 if it is less.

    Args:
        before: cycles, or another count; 0 is taken as 1.
        now: the same count today.

    Returns:
        Percent of `before`.
    """
    return 100.0 * (now - before) / max(1, before)


def changes_between(before: Identity, now: Identity) -> tuple[Change, ...]:
    """The versions that differ.

    Args:
        before: the earlier identity.
        now: the present one.

    Returns:
        Names that differ with both values: every version and the version of the search space.
    """
    sides = ({**one.versions, "search_space_version": one.search_space_version} for one in (before, now))
    return tuple(Change(*each) for each in changed(*sides))


def comparable(earlier: Identity, now: Identity) -> bool:
    """Whether cycles under an earlier identity say something about those under the present one.

    Target, metric, input layout and quantisation must be the same, and some version must differ. The model's content
    must be the same as well, with one exception. Another torch may export the same source to another program. So under
    another torch the source's name is enough. A model that somebody changed is a new one.

    Args:
        earlier: the identity of a best from some night before.
        now: the present identity.

    Returns:
        Whether a drift between them is one of the toolchain.
    """
    changed = {change.name for change in changes_between(earlier, now)}
    if not changed or any(getattr(earlier, name) != getattr(now, name) for name in _SAME):
        return False
    same_name = earlier.model_name == now.model_name and "torch" in changed
    return earlier.model_hash == now.model_hash or same_name


def reference_of(earlier: Iterable[Best]) -> Reference | None:
    """What today's cycles are held against: the fewest of all comparable bests; None without any.

    Of all, not of the latest. What one version made worse stays a regression under the next one, until it is accepted.
    """
    bests = list(earlier)
    if not bests:
        return None
    best = min(bests, key=lambda one: figures_of(one)[1].cycles)
    default = min(bests, key=lambda one: figures_of(one)[0].cycles)
    return Reference(
        figures_of(best)[1].cycles,
        versions_text(best.identity),
        figures_of(default)[0].cycles,
        versions_text(default.identity),
    )


def drift_between(before: Best, now: Best, replayed: Evaluation | None) -> Drift:
    """The drift from an earlier best to now.

    Args:
        before: the earlier best.
        now: the present one, under an identity that is `comparable` with the earlier one.
        replayed: the earlier recipe under the present identity; None if it cannot even be read there.

    Returns:
        Cycles of default, earlier recipe and best, then and now. `Drift` holds a reason where the earlier recipe is no
        longer right.
    """
    default_before, best_before = figures_of(before)
    right = replayed is not None and replayed.verified and replayed.figures is not None
    return Drift(
        changes_between(before.identity, now.identity),
        before.recipe,
        default_before.cycles,
        figures_of(now)[0].cycles,
        best_before.cycles,
        replayed.figures.cycles if right and replayed and replayed.figures else None,
        "" if right else f"{replayed.status}: {replayed.reason}" if replayed else "there is no such recipe any more",
    )


def versions_text(identity: Identity) -> str:
    """Of toolchain and search space, in one line."""
    return described({**identity.versions, "search space": identity.search_space_version})
