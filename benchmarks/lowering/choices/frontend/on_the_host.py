"""Operators that stock ExecuTorch leaves on the CPU without need.

The gain is in `host_cycles` and in the calls of delegates.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []

_TABLE = "host-function=table"


@minimal(
    PROGRAMS, "host-function", "`Conv2d(3, 16, 3)`, x * F.relu6(x + 3) / 6, `Conv2d(16, 16, 1)`", _TABLE, (1, 3, 32, 32)
)
def written_out_hard_swish() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        x = n.a(x)
        return n.b(x * functional.relu6(x + 3.0) / 6.0)

    return Net(function, a=nn.Conv2d(3, 16, 3), b=nn.Conv2d(16, 16, 1))


@minimal(PROGRAMS, "host-function", "a hard sigmoid in place between convolutions", _TABLE, (1, 3, 32, 32))
def hard_sigmoid_in_place() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.Hardsigmoid(inplace=True), nn.Conv2d(16, 16, 1))


@minimal(PROGRAMS, "host-pool", "`Conv2d(16, 32, 1)`, `AvgPool2d(7)` of 7x7, linear", "host-pool=odd", (1, 16, 7, 7))
def fixed_size_pool() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 32, 1), nn.ReLU(), nn.AvgPool2d(7), nn.Flatten(), nn.Linear(32, 10))


@minimal(PROGRAMS, "host-pool", "`Conv2d(16, 32, 1)`, `AvgPool2d(8)` of 8x8, linear", "host-pool=any", (1, 16, 8, 8))
def fixed_size_pool_with_ties() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 32, 1), nn.ReLU(), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(32, 10))


@minimal(
    PROGRAMS, "host-conv", "`Conv1d(1, 32, 250, stride=160, padding=45)` of 8,000 samples, `Conv1d(32, 32, 1)`",
    "host-conv=pad | sink-transposes,space-to-depth", (1, 1, 8000),
)  # fmt: skip
def audio_front_end() -> nn.Module:
    return nn.Sequential(nn.Conv1d(1, 32, 250, stride=160, padding=45), nn.ReLU(), nn.Conv1d(32, 32, 1))


@minimal(
    PROGRAMS, "host-average", "`Conv1d(16, 32, 3)` of 128 steps, `AdaptiveAvgPool1d(1)`, linear", "host-average=2d",
    (1, 16, 128),
)  # fmt: skip
def averaged_signal() -> nn.Module:
    pool = nn.AdaptiveAvgPool1d(1)
    return nn.Sequential(nn.Conv1d(16, 32, 3), nn.ReLU(), pool, nn.Flatten(), nn.Linear(32, 10))


@minimal(
    PROGRAMS, "host-selection", "`Conv1d(16, 32, 3)` of 128 steps, `MaxPool1d(4)`, `Conv1d(32, 32, 1)`",
    "host-selection=int8", (1, 16, 128),
)  # fmt: skip
def pooled_signal() -> nn.Module:
    return nn.Sequential(nn.Conv1d(16, 32, 3), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(32, 32, 1))


@minimal(
    PROGRAMS, "host-selection", "1x1 conv, `torch.roll` by 2 of height and width, as of shifted windows, 1x1 conv",
    "host-selection=int8 | sink-transposes,fuse-transposes", (1, 16, 16, 16),
)  # fmt: skip
def shifted_windows() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.a(x).roll((-2, -2), (2, 3)))

    return Net(function, a=nn.Conv2d(16, 32, 1), b=nn.Conv2d(32, 16, 1))


@minimal(
    PROGRAMS, "host-transposed-conv", "`Conv1d(32, 32, 1)` of 64 steps, `ConvTranspose1d(32, 16, 16, 8, 4)`",
    "host-transposed-conv=subpixel | sink-transposes,fuse-transposes", (1, 32, 64),
)  # fmt: skip
def vocoder_upsampling() -> nn.Module:
    return nn.Sequential(nn.Conv1d(32, 32, 1), nn.ReLU(), nn.ConvTranspose1d(32, 16, 16, 8, 4))
