"""Constants with a value for each channel."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []


@minimal(
    PROGRAMS,
    "channel-affine-as-depthwise",
    "`Linear(24, 48)`, LayerNorm, `Linear(48, 24)`: times gamma, plus beta",
    "fold-constants,channel-affine-as-depthwise",
    (1, 64, 24),
)
def gamma_and_beta() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.norm(n.a(x)))

    return Net(function, a=nn.Linear(24, 48), norm=nn.LayerNorm(48), b=nn.Linear(48, 24))
