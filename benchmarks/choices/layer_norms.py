"""LayerNorms, where other rounding than the default lowering's is allowed."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.choices.minimal import Minimal, minimal
from benchmarks.nets import Net

PROGRAMS: list[Minimal] = []


def _normed(n: Net, x: Tensor) -> Tensor:
    return n.b(n.norm(n.a(x)))


def _net() -> nn.Module:
    return Net(_normed, a=nn.Linear(24, 48), norm=nn.LayerNorm(48), b=nn.Linear(48, 96))


@minimal(
    PROGRAMS,
    "affine-into-weights",
    "`Linear(24, 48)`, LayerNorm, `Linear(48, 96)`: gamma and beta",
    "affine-into-weights",
    (1, 64, 24),
)
def gamma_and_beta_before_a_projection() -> nn.Module:
    return _net()


@minimal(
    PROGRAMS,
    "centre-by-conv",
    "`Linear(24, 48)`, LayerNorm, `Linear(48, 96)`: x minus its mean",
    "sink-moves,centre-by-conv,unbatch,fuse-transposes",
    (1, 64, 24),
)
def centred_channels() -> nn.Module:
    return _net()


@minimal(
    PROGRAMS,
    "merge-rescales",
    "`Linear(24, 48)`, half of that, ReLU, `Linear(48, 96)`",
    "sink-moves,merge-rescales,unbatch,fuse-transposes",
    (1, 64, 24),
)
def half_of_a_projection() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b((n.a(x) * 0.5).relu())

    return Net(function, a=nn.Linear(24, 48), b=nn.Linear(48, 96))
