"""How near a lowered program comes to the float model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from workers.checking.allowance import Quality
from workers.cortex_m.candidates import Candidate
from workers.cortex_m.check.execute import tensors_of
from workers.cortex_m.programs import CortexMPrograms
from workers.models.types import ExportedModel

#: Where there is no noise at all.
MOST_DB = 200.0


class CortexMMeter:
    """Implements `workers.backend.backend.Meter`.

    Args:
        programs: of the model.
        model: in float.
        samples: inputs that both are run on.
    """

    def __init__(self, programs: CortexMPrograms, model: ExportedModel, samples: Sequence[tuple[Any, ...]]) -> None:
        self._programs, self._samples = programs, samples
        original = model.program.module(check_guards=False)
        with torch.no_grad():
            self._wanted = [tensors_of(original(*one)) for one in samples]

    def quality(self, program: Candidate) -> Quality:
        found = [self._programs.outputs(program, one) for one in self._samples]
        ratios = [
            sqnr_db(wanted, given)
            for wanted, given in zip(zip(*self._wanted, strict=True), zip(*found, strict=True), strict=True)
        ]
        return Quality(min(ratios, default=MOST_DB), len(self._samples))

    def of_base(self) -> Quality:
        return self.quality(self._programs.default)


def sqnr_db(wanted: Sequence[torch.Tensor], found: Sequence[torch.Tensor]) -> float:
    """The signal-to-quantisation-noise ratio of an output.

    Args:
        wanted: its values by the float model, one tensor for each sample.
        found: the same by a lowered program.

    Returns:
        10 log10(sum of squares of what is wanted / sum of squares of the differences), in dB, between -MOST_DB and
        MOST_DB.
    """
    signal = sum(float(one.double().square().sum()) for one in wanted)
    noise = sum(float((one.double() - other.double()).square().sum()) for one, other in zip(wanted, found, strict=True))
    if noise == 0:
        return MOST_DB
    if signal == 0 or not math.isfinite(noise):
        return -MOST_DB
    return min(MOST_DB, max(-MOST_DB, 10 * math.log10(signal / noise)))
