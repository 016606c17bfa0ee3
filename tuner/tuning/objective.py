"""The objective of a search: the metric that is minimised, and the limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from results.records.figures import Figures
from results.reports.pareto import Limits
from workers.backend.cost import Cost, Numbers
from workers.backend.objective import ObjectiveKind
from workers.backend.registry import backend_of, backends
from workers.checking.allowance import EXACT_ONLY, Allowance
from workers.errors import ModelError

C = TypeVar("C", Cost, Figures)

#: How much more SRAM than the default lowering a candidate may need where the user sets no limit: a tenth, or these
#: bytes where a tenth is less. No board is short of a few KiB, and small models gain by them.
SRAM_GROWTH, SRAM_SLACK = Fraction(11, 10), 4096


@dataclass(frozen=True)
class Objective:
    """What a user wants, for targets of any family.

    Attributes:
        kind: name of what is minimised, as the family's backend has it; None for the first that it has.
        max_sram_bytes: None for a tenth or 4 KiB more than the default lowering's, whichever is more.
        max_flash_bytes: None for no limit.
        allowance: what besides exact recipes is searched, within which limit of quality.
    """

    kind: str | None = None
    max_sram_bytes: int | None = None
    max_flash_bytes: int | None = None
    allowance: Allowance = EXACT_ONLY

    def on(self, family: str) -> FamilyObjective:
        """What that means for targets of a family.

        Raises:
            ModelError: its backend is not installed, or has no objective of this kind.
        """
        kinds = backend_of(family).objectives
        kind = self.kind or next(iter(kinds))
        if kind not in kinds:
            raise ModelError(f"--objective {kind}: {family} has {', '.join(kinds)}")
        return FamilyObjective(family, kind, self.max_sram_bytes, self.max_flash_bytes, self.allowance)

    @staticmethod
    def limits_in(facts: Mapping[str, str]) -> Limits:
        """The limits on a front of results under an objective with these facts. Those that are no numbers are none."""
        sram, flash = (facts.get(name, "") for name in ("max_sram_bytes", "max_flash_bytes"))
        return Limits(*(int(limit) if limit.isascii() and limit.isdigit() else None for limit in (sram, flash)))


@dataclass(frozen=True)
class FamilyObjective:
    """Part of every result's identity: results under another objective or other limits are other results.

    Attributes:
        family: of the targets; its backend says what `kind` is.
        kind, max_sram_bytes, max_flash_bytes, allowance: as of `Objective`.
    """

    family: str
    kind: str
    max_sram_bytes: int | None
    max_flash_bytes: int | None
    allowance: Allowance

    def facts(self) -> dict[str, str]:
        """What two equal objectives share: what is counted, the limits, and the versions of the prediction models."""
        limits = {"max_sram_bytes": self.max_sram_bytes, "max_flash_bytes": self.max_flash_bytes}
        return {
            "minimised": self._kind.minimised,
            **self._kind.facts(),
            **{name: str(limit) for name, limit in limits.items() if limit is not None},
            **self.allowance.facts(),
        }

    def cycles(self, cost: Numbers, default: Numbers) -> int:
        """The number that is minimised, in the family's unit.

        Args:
            cost: of a candidate.
            default: what the default lowering costs.

        Returns:
            A count.
        """
        return self._kind.value(cost, default)

    @property
    def has_ties(self) -> bool:
        """Whether it is an estimate that does not tell all candidates apart."""
        return self._kind.has_ties

    def violations(self, cost: Numbers, default: Numbers) -> dict[str, float]:
        """The limits that a candidate violates.

        Args:
            cost: of the candidate.
            default: what the default lowering costs.

        Returns:
            Message -> relative excess (0.1: a tenth over the limit). Empty if all limits hold.
        """
        return {
            f"{what} {value:,} are more than {limit:,}": (value - limit) / max(1, limit)
            for what, value, limit in self._limits(cost, default)
            if value > limit
        }

    def widened(self, default: C, right: C) -> C:
        """What candidates are compared with where the compiler miscompiles the default lowering. It has the default's
        cost, and the larger one of each figure that sets a limit.

        Args:
            default: costs of the default lowering.
            right: costs of the plainest program that is compiled right.

        Returns:
            The default's costs with those figures.
        """
        larger = {name: max(default[name], right[name]) for limit in self._kind.limits for name in limit.limiting}
        sram = max(default.sram_bytes, right.sram_bytes)
        return replace(default, metrics={**default.metrics, **larger}, sram_bytes=sram)

    @property
    def front_limits(self) -> Limits:
        """What holds for a front of cycles against SRAM or quality: what the user asked for. The front against SRAM
        shows what more SRAM would buy. More quality may cost more cycles than the default has.
        """
        return Limits(self.max_sram_bytes, self.max_flash_bytes)

    def _limits(self, cost: Numbers, default: Numbers) -> Iterator[tuple[str, int, int]]:
        for limit in self._kind.limits:
            yield limit.title, limit.of(cost), limit.of(default)
        sram = self.max_sram_bytes
        if sram is None:
            sram = max(int(default["sram_bytes"] * SRAM_GROWTH), default["sram_bytes"] + SRAM_SLACK)
        yield "the bytes of SRAM", cost["sram_bytes"], sram
        if self.max_flash_bytes is not None:
            yield "the bytes of flash", cost["flash_bytes"], self.max_flash_bytes

    @property
    def _kind(self) -> ObjectiveKind:
        return backend_of(self.family).objectives[self.kind]


def objective_kinds() -> dict[str, str]:
    """All that `--objective` may be, whatever the family -> what is minimised; each family's default first."""
    return {kind: one.minimised for backend in backends().values() for kind, one in backend.objectives.items()}
