"""What the scheme of one layer alone costs in quality: the others stay in floating point.

It needs no lowering: the quantised module runs in PyTorch. Fused operators compute what it computes, up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from workers.checking.sqnr import MOST_DB, sqnr_of_outputs
from workers.models.exported.tensors import tensors
from workers.vulkan.lowering.quantise import quantised_module
from workers.vulkan.lowering.quiet_toolchain import quiet_toolchain
from workers.vulkan.model.layers import number_layers
from workers.vulkan.model.scheme import Scheme

if TYPE_CHECKING:
    from workers.models.types import ExportedModel


class LayerQuality:
    """Measures schemes of single layers of a model, each once."""

    def __init__(self, model: ExportedModel, samples: Sequence[tuple[Any, ...]]) -> None:
        """Measure nothing yet.

        Args:
            model: in floating point.
            samples: argument tuples; static schemes are calibrated on them and outputs are compared on them.
        """
        self._model, self._samples = model, samples
        self._found: dict[tuple[int, Scheme], float | None] = {}
        self._wanted: list[tuple[torch.Tensor, ...]] | None = None

    @property
    def wanted(self) -> list[tuple[torch.Tensor, ...]]:
        """The outputs of the float model for each of the samples."""
        if self._wanted is None:
            with quiet_toolchain(), torch.no_grad():
                module = self._model.program.module(check_guards=False)
                self._wanted = [tensors(module(*sample)) for sample in self._samples]
        return self._wanted

    def of(self, number: int, scheme: Scheme) -> float | None:
        """Signal-to-noise ratio of the worst output where one layer alone is quantised.

        Args:
            number: of the layer, from 1.
            scheme: that fits it.

        Returns:
            Decibels against the float model; None where the quantiser fails on the layer.
        """
        if scheme is Scheme.FP:
            return MOST_DB
        if (number, scheme) not in self._found:
            self._found[number, scheme] = self._measured(number, scheme)
        return self._found[number, scheme]

    def _measured(self, number: int, scheme: Scheme) -> float | None:
        wanted = self.wanted
        with quiet_toolchain(), torch.no_grad():
            module = self._model.program.module(check_guards=False)
            number_layers(module)
            try:
                quantised = quantised_module(module, {number: scheme}, self._samples)
                given = [tensors(quantised(*sample)) for sample in self._samples]
            except Exception:  # whatever torch and torchao raise; lowering says it with its reason
                return None
        return min(sqnr_of_outputs(wanted, given), default=MOST_DB)
