"""How near outputs come to those of the float model: the signal-to-noise ratio of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

#: Beyond what single precision can tell apart; also where there is no noise at all.
MOST_DB = 200.0


@dataclass(frozen=True)
class Quality:
    """decibels: of each output, over all samples. samples: how many inputs."""

    decibels: tuple[float, ...]
    samples: int

    @property
    def worst(self) -> float:
        """Of the worst output."""
        return min(self.decibels, default=MOST_DB)


def ratios(wanted: Sequence[Sequence[torch.Tensor]], given: Sequence[Sequence[torch.Tensor]]) -> tuple[float, ...]:
    """Signal-to-noise ratio of each output, over all samples.

    Args:
        wanted, given: outputs by sample.

    Returns:
        Decibels by output, see `snr_db`.
    """
    return tuple(
        snr_db(one, other) for one, other in zip(zip(*wanted, strict=True), zip(*given, strict=True), strict=True)
    )


def snr_db(wanted: Sequence[torch.Tensor], given: Sequence[torch.Tensor]) -> float:
    """Signal-to-noise ratio of one output.

    Args:
        wanted, given: the output for each sample, of equal numbers of elements.

    Returns:
        10 log10(sum of squares of what is wanted / sum of squares of the differences) dB, within -MOST_DB and MOST_DB.
    """
    signal = noise = 0.0
    for one, other in zip(wanted, given, strict=True):
        expected = one.to(torch.float64)
        signal += float(expected.square().sum())
        noise += float((expected - other.to(torch.float64).reshape(expected.shape)).square().sum())
    if noise == 0:
        return MOST_DB
    if signal == 0 or not math.isfinite(noise):
        return -MOST_DB
    return min(MOST_DB, max(-MOST_DB, 10 * math.log10(signal / noise)))
