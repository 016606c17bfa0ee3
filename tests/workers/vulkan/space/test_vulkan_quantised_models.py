"""A model that the user quantised keeps its schemes; its fusions, rewrites and half precision are searched."""

from functools import cache

import pytest
import torch
from executorch.backends.vulkan.quantizer.vulkan_quantizer import VulkanQuantizer, get_symmetric_quantization_config
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import get_symmetric_quantization_config as int8
from support.vulkan_nets import mlp, programs_of, relu6_convolutions
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import Quantizer

from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel
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
