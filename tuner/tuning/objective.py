"""What is minimised, and what a candidate may not do to get there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Literal

from results.records.figures import Figures
from results.reports.pareto import Limits
from workers.checking.allowance import EXACT_ONLY, Allowance
from workers.ethos_u.estimates.host_cost import HOST_VERSION
from workers.ethos_u.stream_cost import MODEL_VERSION
from workers.ethos_u.vela.pricing import Cost

Kind = Literal["stream", "vela", "both"]

#: What is counted, as identities have it.
_MINIMISED: dict[Kind, str] = {
    "stream": "stream cycles",
    "vela": "cycles by Vela",
    "both": "the worse of stream cycles and cycles by Vela",
}

#: How much more SRAM than the default lowering a candidate may need where the user sets no limit.
SRAM_GROWTH = Fraction(11, 10)


@dataclass(frozen=True)
class Objective:
    """Part of every result's identity: results under another objective or other limits are other results.

    kind: `stream`: the cycles of what is in the command stream; a candidate may not cost more than the default where
    Vela prices the kinds of operation that no evidence covers. `vela`: Vela's estimate. `both`: the worse of the two
    ratios to the default, times the default's stream cycles, so that a best is dearer by neither.
    Host work is part of each. max_sram_bytes: None for the default lowering's and a tenth. max_flash_bytes: None for no
    limit. allowance: what besides exact recipes is searched, within which limit of quality.
    """

    kind: Kind = "stream"
    max_sram_bytes: int | None = None
    max_flash_bytes: int | None = None
    allowance: Allowance = EXACT_ONLY

    def facts(self) -> dict[str, str]:
        """What makes two objectives the same: what is counted, by which versions of the models of the command stream
        and of host work, within which limits."""
        limits = {"max_sram_bytes": self.max_sram_bytes, "max_flash_bytes": self.max_flash_bytes}
        return {
            "minimised": _MINIMISED[self.kind],
            "stream_model": MODEL_VERSION,
            "host_model": HOST_VERSION,
            **{name: str(limit) for name, limit in limits.items() if limit is not None},
            **self.allowance.facts(),
        }

    @staticmethod
    def limits_in(facts: Mapping[str, str]) -> Limits:
        """The limits on a front of results under an objective with these facts. Those that are no numbers are none."""
        sram, flash = (facts.get(name, "") for name in ("max_sram_bytes", "max_flash_bytes"))
        return Limits(*(int(limit) if limit.isascii() and limit.isdigit() else None for limit in (sram, flash)))

    def cycles(self, cost: Cost, default: Cost) -> int:
        """The number that is minimised."""
        stream = cost.stream_cycles + cost.host_cycles
        vela = cost.vela_cycles + cost.host_cycles
        if self.kind == "stream":
            return stream
        if self.kind == "vela":
            return vela
        reference = default.stream_cycles + default.host_cycles
        return max(stream, ceil(Fraction(vela * reference, max(1, default.vela_cycles + default.host_cycles))))

    def violations(self, cost: Cost | Figures, default: Cost | Figures) -> dict[str, float]:
        """Violated limits: message -> relative excess (0.1: a tenth over the limit). Empty if all limits hold."""
        return {
            f"{what} {value:,} are more than {limit:,}": (value - limit) / max(1, limit)
            for what, value, limit in self._limits(cost, default)
            if value > limit
        }

    @property
    def front_limits(self) -> Limits:
        """What holds for a front of cycles against SRAM or quality: what the user asked for. The front against SRAM
        shows what more SRAM would buy; more quality may cost more cycles than the default has."""
        return Limits(self.max_sram_bytes, self.max_flash_bytes)

    def _limits(self, cost: Cost | Figures, default: Cost | Figures) -> Iterator[tuple[str, int, int]]:
        if self.kind == "stream":
            what = "the cycles, by Vela where no evidence covers them,"
            yield what, _conservative(cost), _conservative(default)
        sram = int(default.sram_bytes * SRAM_GROWTH) if self.max_sram_bytes is None else self.max_sram_bytes
        yield "the bytes of SRAM", cost.sram_bytes, sram
        if self.max_flash_bytes is not None:
            yield "the bytes of flash", cost.flash_bytes, self.max_flash_bytes


def with_limits_of_both(default: Cost, mended: Cost) -> Cost:
    """What candidates are compared with where Vela miscompiles the default lowering: its cycles, and of each figure
    that sets a limit the larger one. mended: costs of the plainest program that is compiled right."""
    return replace(
        default,
        conservative_cycles=max(default.conservative_cycles, mended.conservative_cycles),
        sram_bytes=max(default.sram_bytes, mended.sram_bytes),
    )


def with_recorded_limits_of_both(default: Figures, mended: Figures) -> Figures:
    """The same of what a store has."""
    conservative = max(default["conservative_cycles"], mended["conservative_cycles"])
    return replace(
        default,
        metrics={**default.metrics, "conservative_cycles": conservative},
        sram_bytes=max(default.sram_bytes, mended.sram_bytes),
    )


def _conservative(cost: Cost | Figures) -> int:
    """Host work included."""
    if isinstance(cost, Figures):
        return cost["conservative_cycles"] + cost["host_cycles"]
    return cost.conservative_cycles + cost.host_cycles
