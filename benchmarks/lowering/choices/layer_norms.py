"""LayerNorms, where other rounding than the default lowering's is allowed."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []


def _normed(n: Net, x: Tensor) -> Tensor:
    return n.b(n.norm(n.a(x)))


def _net() -> nn.Module:
    return Net(_normed, a=nn.Linear(24, 48), norm=nn.LayerNorm(48), b=nn.Linear(48, 96))


@minimal(
    PROGRAMS,
    "fold-affine",
    "`Linear(24, 48)`, LayerNorm, `Linear(48, 96)`: gamma and beta",
    "fold-affine",
    (1, 64, 24),
)
def gamma_and_beta_before_a_projection() -> nn.Module:
    return _net()


@minimal(
    PROGRAMS,
    "subtract-mean-as-conv",
    "`Linear(24, 48)`, LayerNorm, `Linear(48, 96)`: x minus its mean",
    "sink-transposes,subtract-mean-as-conv,unbatch,fuse-transposes",
    (1, 64, 24),
)
def centred_channels() -> nn.Module:
    return _net()


@minimal(
    PROGRAMS,
    "merge-rescales",
    "`Linear(24, 48)`, half of that, ReLU, `Linear(48, 96)`",
    "sink-transposes,merge-rescales,unbatch,fuse-transposes",
    (1, 64, 24),
)
def half_of_a_projection() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b((n.a(x) * 0.5).relu())

    return Net(function, a=nn.Linear(24, 48), b=nn.Linear(48, 96))
