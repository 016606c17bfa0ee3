"""How near a lowered program comes to the float model: the signal-to-noise ratio of each output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from workers.vulkan.check.run import run_lowered
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.quiet_toolchain import quiet_toolchain

if TYPE_CHECKING:
    from workers.models.types import ExportedModel

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


def quality(model: ExportedModel, lowered: Lowered, samples: Sequence[tuple[Any, ...]], *, half: bool) -> Quality:
    """Compare a lowered program with its float model, both on this machine.

    Args:
        samples: argument tuples.
        half: whether the program was lowered for half precision.

    Raises:
        ModelError: the program cannot be run here.
    """
    original = model.program.module(check_guards=False)
    with quiet_toolchain(), torch.no_grad():
        wanted = [_tensors(original(*sample)) for sample in samples]
    given = [run_lowered(lowered, sample, half=half) for sample in samples]
    return Quality(ratios(wanted, given), len(samples))


def ratios(wanted: Sequence[Sequence[torch.Tensor]], given: Sequence[Sequence[torch.Tensor]]) -> tuple[float, ...]:
    """Of each output, in decibels, by the outputs of all samples."""
    return tuple(
        snr_db(one, other) for one, other in zip(zip(*wanted, strict=True), zip(*given, strict=True), strict=True)
    )


def snr_db(wanted: Sequence[torch.Tensor], given: Sequence[torch.Tensor]) -> float:
    """10 log10(sum of squares of what is wanted / sum of squares of the differences), between -MOST_DB and MOST_DB."""
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


def _tensors(outputs: Any) -> tuple[torch.Tensor, ...]:
    from workers.models.exported.tensors import tensors

    return tensors(outputs)
