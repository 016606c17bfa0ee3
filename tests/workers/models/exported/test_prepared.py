"""What is prepared for quantisation is refused before it is lowered, unless it is converted."""

from __future__ import annotations

import io
import operator
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.ao import quantization
from torchao.quantization.pt2e.fake_quantize import FusedMovingAvgObsFakeQuantize
from torchao.quantization.pt2e.observer import MinMaxObserver

from workers.errors import ModelError
from workers.models.model_source import export
from workers.models.types import ExportedFile, SourceModel


class FakeQuantised(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fake_quantize_per_tensor_affine(x, 0.02, 0, -128, 127)


def eager_qat() -> nn.Module:
    net = nn.Sequential(quantization.QuantStub(), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    net.qconfig = quantization.get_default_qat_qconfig("qnnpack")  # type: ignore[assignment]
    return quantization.prepare_qat(net)  # type: ignore[no-any-return]


def observed() -> nn.Module:
    return nn.Sequential(MinMaxObserver(), nn.ReLU())


def fake_quantised() -> nn.Module:
    return nn.Sequential(FusedMovingAvgObsFakeQuantize(), nn.ReLU())


def saved(module: nn.Module) -> ExportedFile:
    data = io.BytesIO()
    torch.export.save(torch.export.export(module, (torch.rand(1, 3, 8, 8),)), data)
    return ExportedFile(data.getvalue(), "net.pt2")


@pytest.mark.parametrize("make", [eager_qat, observed, fake_quantised, FakeQuantised])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_file_that_is_not_converted_is_refused(make: Callable[[], nn.Module], mode: str) -> None:
    with pytest.raises(ModelError, match=r"^net\.pt2: aten\..* is of a model that is prepared for quantisation"):
        export(saved(operator.methodcaller(mode)(make())))


def test_fake_quantisation_in_a_module_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^net\.py:make: aten\.fake_quantize_per_tensor_affine .* not converted"):
        export(SourceModel(FakeQuantised(), (torch.rand(1, 4),), None, "net.py:make"))


def test_what_is_converted_is_taken() -> None:
    class Converted(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            stored = torch.ops.quantized_decomposed.quantize_per_tensor(x, 0.02, 0, -128, 127, torch.int8)
            return torch.ops.quantized_decomposed.dequantize_per_tensor(  # type: ignore[no-any-return]
                stored, 0.02, 0, -128, 127, torch.int8
            )

    assert export(saved(Converted())).program.graph.nodes
