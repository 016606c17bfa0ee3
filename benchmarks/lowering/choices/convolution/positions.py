"""Convolutions with few positions."""

from __future__ import annotations

from torch import nn

from benchmarks.lowering.choices.minimal import Minimal, minimal

PROGRAMS: list[Minimal] = []


@minimal(
    PROGRAMS,
    "trim-kernel",
    "`Conv1d(64, 128, 3, padding=1)` of one step, as in a streaming voice detector",
    "fuse-transposes,trim-kernel",
    (1, 64, 1),
)
def one_step() -> nn.Module:
    return nn.Conv1d(64, 128, 3, padding=1)


@minimal(
    PROGRAMS,
    "im2col",
    "`Conv1d(128, 128, 3, padding=1)` of 4 steps",
    "fuse-transposes,im2col,fuse-transposes",
    (1, 128, 4),
)
def four_steps() -> nn.Module:
    return nn.Conv1d(128, 128, 3, padding=1)
