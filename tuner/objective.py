"""What is minimised, and what a candidate may not do to get there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Literal, TypeVar

from results.pareto import Limits
from results.records import Figures
from workers.allowance import EXACT_ONLY, Allowance
from workers.cost import Cost
from workers.host_cost import HOST_VERSION
from workers.stream_cost import MODEL_VERSION

Kind = Literal["stream", "vela", "both"]

#: What is counted, by which versions of the model of the command stream and of the prices of host work.
_COUNTED: dict[Kind, str] = {
    "stream": "stream cycles {stream} and host work {host}, no dearer with Vela's price for what no evidence covers",
    "vela": "Vela's cycles and host work {host}",
    "both": "the worse of stream cycles {stream} and Vela's, each with host work {host}",
}
_PLACE = re.compile(r"\\\{\w+\\\}")
_LIMITS_TOLD = r"(?:, SRAM at most ([\d,]+) bytes)?(?:, flash at most ([\d,]+) bytes)?(?:, up to |$)"

Priced = TypeVar("Priced", Cost, Figures)

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

    def __str__(self) -> str:
        limits = [
            f"{name} at most {limit:,} bytes"
            for name, limit in (("SRAM", self.max_sram_bytes), ("flash", self.max_flash_bytes))
            if limit is not None
        ]
        counted = _COUNTED[self.kind].format(stream=MODEL_VERSION, host=HOST_VERSION)
        return ", ".join([counted, *limits, *([str(self.allowance)] if self.allowance else [])])

    @staticmethod
    def told_by(text: str) -> Objective | None:
        """What an objective with this `str` minimises within which limits, its allowance left out; None for any other
        text. Of every version of the models of the command stream and of host work."""
        for kind, counted in _COUNTED.items():
            if found := re.match(_PLACE.sub(r"[^\\s,]+", re.escape(counted)) + _LIMITS_TOLD, text):
                sram, flash = (int(limit.replace(",", "")) if limit else None for limit in found.groups())
                return Objective(kind, sram, flash)
        return None

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
        """What forbids to offer a candidate, in words, and by which part of the limit it is beyond; empty if nothing
        does."""
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
            yield what, cost.conservative_cycles + cost.host_cycles, default.conservative_cycles + default.host_cycles
        sram = int(default.sram_bytes * SRAM_GROWTH) if self.max_sram_bytes is None else self.max_sram_bytes
        yield "the bytes of SRAM", cost.sram_bytes, sram
        if self.max_flash_bytes is not None:
            yield "the bytes of flash", cost.flash_bytes, self.max_flash_bytes


def with_limits_of_both(default: Priced, mended: Priced) -> Priced:
    """What candidates are compared with where Vela miscompiles the default lowering: its cycles, and of each figure
    that sets a limit the larger one. mended: costs of the plainest program that is compiled right."""
    limiting = ("conservative_cycles", "sram_bytes")
    return replace(default, **{name: max(getattr(default, name), getattr(mended, name)) for name in limiting})
