"""Modules that no lowering takes are reported as what they are, with what to return instead."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchao.quantization import IntxWeightOnlyConfig, PerGroup, quantize_
from torchao.utils import unwrap_tensor_subclass

from workers.models.model_source import export
from workers.models.module_check import fault_of
from workers.models.types import SourceModel


class Int8(torch.Tensor):
    """A tensor as libraries wrap them that quantise weights in place."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Int8:
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=torch.float32)  # type: ignore[attr-defined]

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return [], None

    @classmethod
    def __tensor_unflatten__(cls, *_: object) -> Int8:
        raise NotImplementedError

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), keywords=None):  # type: ignore[no-untyped-def]
        if function is torch.ops.aten.detach.default:
            return cls(torch.empty(arguments[0].shape))
        raise NotImplementedError


def wrapped() -> nn.Module:
    net = nn.Linear(2, 2)
    net.weight = nn.Parameter(Int8(torch.ones(2, 2)), requires_grad=False)
    return net


def prepared() -> nn.Module:
    net = nn.Sequential(torch.ao.quantization.QuantStub(), nn.Conv2d(1, 1, 1)).train()
    net.qconfig = torch.ao.quantization.get_default_qat_qconfig("qnnpack")
    return torch.ao.quantization.prepare_qat(net)


def for_adding() -> nn.Module:
    """Float, though its class is among the quantised ones."""
    return nn.Sequential(torch.ao.nn.quantized.FloatFunctional(), torch.ao.quantization.QuantStub())


def packed(net: nn.Module, kind: type[nn.Module]) -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(net.eval(), {kind}, dtype=torch.qint8)


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (torch.jit.script(nn.ReLU()), "a ScriptModule, which torch.export does not take"),
        (nn.Conv2d(1, 1, 1, device="meta"), "a module without values: weight is on the device meta"),
        (nn.Sequential(nn.LazyConv2d(4, 3)), "a lazy module: 0.weight has no shape yet; call the module once"),
        (wrapped(), "a module whose weight is a Int8; return the float module"),
        (prepared(), "a module that is prepared for quantisation and not converted"),
        (packed(nn.Sequential(nn.Linear(4, 2)), nn.Linear), "a module that torch.ao.quantization has quantised (0._"),
        (packed(nn.Sequential(nn.LSTM(4, 2)), nn.LSTM), "a module that torch.ao.quantization has quantised (0._all"),
    ],
    ids=["scripted", "meta", "lazy", "wrapped", "prepared", "packed", "packed LSTM"],
)
def test_a_module_that_cannot_be_lowered(net: nn.Module, said: str) -> None:
    assert fault_of(net).startswith(said)


@pytest.mark.parametrize(
    "net", [nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), nn.ReLU(), nn.LSTM(2, 2), for_adding()]
)
def test_other_modules_have_no_fault(net: nn.Module) -> None:
    assert fault_of(net) == ""


def test_what_torchao_quantised_is_taken_once_it_is_unwrapped() -> None:
    net = nn.Sequential(nn.Linear(32, 8))
    quantize_(net, IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32)))
    assert fault_of(net).endswith("what torchao.utils.unwrap_tensor_subclass makes of this one")
    assert fault_of(unwrap_tensor_subclass(net)) == ""
    assert export(SourceModel(net, (torch.ones(2, 32),), None, "net")).program.graph.nodes
