"""The gate's tables against ExecuTorch's own code."""

import inspect
from pathlib import Path

from executorch.backends.vulkan.op_registry import vulkan_supported_ops
from executorch.backends.vulkan.runtime import gen_vulkan_spv

from workers.vulkan.gate.loading.registered_operators import REGISTERED
from workers.vulkan.gate.loading.shader_names import shader_names


def test_shader_names_are_those_of_executorchs_generator() -> None:
    generator = gen_vulkan_spv.SPVGenerator.__new__(gen_vulkan_spv.SPVGenerator)
    generator.shader_template_params = {}
    for table in (Path(inspect.getfile(gen_vulkan_spv)).parent / "graph/ops/glsl").glob("*.yaml"):
        generator.parseTemplateYaml(str(table))
    theirs = {variant["NAME"] for variants in generator.shader_template_params.values() for variant in variants}
    assert shader_names() == theirs


def test_operators_that_are_partitioned_and_not_registered_are_the_known_ones() -> None:
    """Those that no pass folds before they are serialised; others of the registry are folded or are not operators."""
    partitioned = {getattr(operator, "__name__", str(operator)) for operator in vulkan_supported_ops}
    assert {name for name in partitioned - REGISTERED if name.startswith(("quantized_decomposed.", "torchao."))} == {
        "quantized_decomposed.choose_qparams.tensor",
        "quantized_decomposed.choose_qparams_per_token_asymmetric.default",
        "quantized_decomposed.dequantize_per_channel.default",
        "quantized_decomposed.dequantize_per_tensor.tensor",
        "quantized_decomposed.dequantize_per_token.default",
        "quantized_decomposed.embedding_4bit.dtype",
        "quantized_decomposed.quantize_per_channel.default",
        "quantized_decomposed.quantize_per_tensor.tensor",
        "quantized_decomposed.quantize_per_token.default",
        "torchao.dequantize_affine.default",
        "torchao.quantize_affine.default",
    }
    assert "aten.logical_not.default" in partitioned - REGISTERED
