"""A model that the user quantised keeps its schemes; its fusions, rewrites and half precision are searched."""

from functools import cache

import pytest
import torch
from executorch.backends.vulkan.quantizer.vulkan_quantizer import VulkanQuantizer, get_symmetric_quantization_config
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import get_symmetric_quantization_config as int8
from support.vulkan_nets import mlp, programs_of, relu6_convolutions
from torch import nn
from torchao.quantization import IntxWeightOnlyConfig, PerAxis, PerGroup, quantize_
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import Quantizer
from torchao.utils import unwrap_tensor_subclass

from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.errors import ModelError
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel
from workers.vulkan.files.pte import pte_bytes
from workers.vulkan.programs import VulkanPrograms


def quantised(model: ExportedModel, quantizer: Quantizer) -> ExportedModel:
    prepared = prepare_pt2e(model.program.module(check_guards=False), quantizer)
    for sample in model.calibration_inputs:
        prepared(*sample)
    return export(SourceModel(convert_pt2e(prepared), model.example_inputs, model.calibration_inputs, "net.pt2"))


@cache
def per_channel(bits: int) -> VulkanPrograms:
    config = get_symmetric_quantization_config(weight_bits=bits)
    return programs_of(quantised(mlp(), VulkanQuantizer().set_global(config)))


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_by_channel_are_fused_by_a_pass(bits: int) -> None:
    programs = per_channel(bits)
    assert programs.space.rewrites == {f"fuse-linear-qcs{bits}w": 2}
    assert programs.open_choices() == {"half": ("yes",)}
    assert programs.starting_points()[0] == f"fuse-linear-qcs{bits}w"
    stock, fused = (programs.built(Recipe.parse(text)) for text in ("default", f"fuse-linear-qcs{bits}w"))
    assert "dequantize_per_channel" in programs.executed(stock, True, True, True).reason
    (said,) = (one for one in programs.described_default()[1] if one.startswith("quantized_decomposed."))
    assert said.endswith(f"fuse-linear-qcs{bits}w (--allow-requant) removes it")
    assert programs.executed(fused, True, True, False).equal
    assert programs.cost(fused).metrics["moved_bytes"] < programs.cost(stock).metrics["moved_bytes"]
    assert (programs.quality(fused).sqnr_db or 0) > 100


def test_one_of_two_layers_can_be_fused() -> None:
    programs = per_channel(8)
    one, both = (programs.built(Recipe.parse(f"fuse-linear-qcs8w{at}")) for at in ("@2", ""))
    assert programs.program_hash(one) != programs.program_hash(both)


def test_static_int8_keeps_its_layers_and_gets_rewrites() -> None:
    quantizer = XNNPACKQuantizer().set_global(int8(is_per_channel=True))
    programs = programs_of(quantised(relu6_convolutions(), quantizer))
    assert not programs.space.plain_schemes
    assert programs.space.rewrites == {"keep-reduced-dims": 1}
    assert programs.space.patterns["quantized_convolution"] == 3
    better = programs.built(Recipe.parse("keep-reduced-dims"))
    assert (programs.cost(programs.default).metrics["delegates"], programs.cost(better).metrics["delegates"]) == (2, 1)
    assert programs.equal(better, programs.default, whole=True).equal


def test_what_it_is_compared_with_is_the_quantised_model() -> None:
    programs = per_channel(8)
    assert programs.described_check(Exactness.REQUANTISING, whole=True)["against"] == "the quantised model"
    wanted = [programs._model.program.module(check_guards=False)(*one) for one in programs._samples]
    assert all(torch.equal(one, other) for one, (other,) in zip(wanted, programs._alone.wanted, strict=True))


@cache
def partly_by_torchao() -> VulkanPrograms:
    """The last layer has 8-bit weights. ExecuTorch's patterns for Vulkan do not know them."""
    return by_torchao(IntxWeightOnlyConfig(weight_dtype=torch.int8, granularity=PerAxis(0)))


def by_torchao(config: IntxWeightOnlyConfig) -> VulkanPrograms:
    """Of a net whose last layer, of 10 rows, is quantised so."""
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 10)).eval()
    quantize_(net, config, lambda module, name: name == "2")
    samples = [(torch.randn(4, 96),) for _ in range(2)]
    return programs_of(export(SourceModel(unwrap_tensor_subclass(net), samples[0], samples, "net.py:make")))


def test_what_torchao_quantised_is_not_quantised_again() -> None:
    programs = partly_by_torchao()
    assert not programs.space.plain_schemes
    assert "scheme" not in programs.open_choices()


def test_what_executorch_cannot_write_on_the_cpu_is_not_proposed_and_not_offered() -> None:
    programs = partly_by_torchao()
    said = str(programs.described_default()[1])
    assert "torchao.dequantize_affine.default: the runtime registers no such operator" in said
    assert not programs.space.operators and "keep-on-cpu" not in said
    names = "torchao.dequantize_affine.default", "aten.addmm.default"
    kept = programs.built(Recipe.parse(",".join(f"keep-on-cpu{{operator={name}}}" for name in names)))
    assert {*names} <= {one.operator for one in programs.lowered(kept).host_operators}
    assert "cannot write it" in programs.executed(kept, False, False, False).reason
    with pytest.raises(ModelError, match="Missing out variants"):
        pte_bytes(programs.lowered_anew(kept), "net")


def test_rows_of_4_bit_weights_that_executorch_does_not_take_are_named() -> None:
    with pytest.raises(ModelError, match="4-bit weights of 10 rows are not lowered: leave that layer"):
        by_torchao(IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32))).described_default()
