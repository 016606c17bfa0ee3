"""How near a lowered program comes to the float model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workers.checking.allowance import Quality
from workers.checking.sqnr import MOST_DB, sqnr_of_outputs
from workers.cortex_m.candidates.candidates import Candidate
from workers.cortex_m.candidates.programs import CortexMPrograms
from workers.cortex_m.check.execute import outputs_anew
from workers.models.types import ExportedModel


class CortexMMeter:
    """Implements `workers.backend.backend.Meter`."""

    def __init__(self, programs: CortexMPrograms, model: ExportedModel, samples: Sequence[tuple[Any, ...]]) -> None:
        """Run the float model on the samples.

        Args:
            programs: of the model.
            model: in float.
            samples: inputs that both are run on.
        """
        self._programs, self._samples = programs, samples
        original = model.program.module(check_guards=False)
        self._wanted = [outputs_anew(original, one) for one in samples]

    def quality(self, program: Candidate) -> Quality:
        found = [self._programs.outputs(program, one) for one in self._samples]
        return Quality(min(sqnr_of_outputs(self._wanted, found), default=MOST_DB), len(self._samples))

    def of_base(self) -> Quality:
        return self.quality(self._programs.default)
