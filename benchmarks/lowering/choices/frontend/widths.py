"""Layers that wait for their weights, and layers that compute. Half as many bytes of weights make the former faster,
and wider activations make them no slower."""

from __future__ import annotations

from torch import nn

from benchmarks.lowering.choices.minimal import Minimal, minimal

PROGRAMS: list[Minimal] = []


@minimal(PROGRAMS, "precision", "four `Linear(256, 256)` of one row", "precision=int4", (1, 256))
def weights_of_4_bits() -> nn.Module:
    return _rows()


@minimal(PROGRAMS, "precision", "four `Linear(256, 256)` of one row", "precision=int16", (1, 256))
def activations_of_16_bits() -> nn.Module:
    return _rows()


@minimal(PROGRAMS, "precision", "two `Conv2d(16, 16, 3)` of 32x32 pixels", "precision=int4", (1, 16, 32, 32))
def weights_of_4_bits_for_many_pixels() -> nn.Module:
    return _images()


@minimal(PROGRAMS, "precision", "two `Conv2d(16, 16, 3)` of 32x32 pixels", "precision=int16", (1, 16, 32, 32))
def activations_of_16_bits_of_many_pixels() -> nn.Module:
    return _images()


def _rows() -> nn.Module:
    return nn.Sequential(*(part for _ in range(4) for part in (nn.Linear(256, 256), nn.ReLU())))


def _images() -> nn.Module:
    return nn.Sequential(nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU())
