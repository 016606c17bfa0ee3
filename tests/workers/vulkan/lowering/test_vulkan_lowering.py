"""Lowering: byte for byte what stock ExecuTorch makes of a model, and each layer by its scheme."""

import pytest
import torch
from executorch.backends.vulkan.partitioner.vulkan_partitioner import VulkanPartitioner
from executorch.backends.vulkan.quantizer import vulkan_quantizer
from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower
from support.vulkan_nets import convolutions, everywhere, lowered, made, mlp, operators, rewrite, static_convolutions
from torch import nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from workers.errors import ModelError
from workers.vulkan.lowering.lowering import model_layers, quantised_program
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.scheme import Scheme
from workers.vulkan.target import GUARANTEED_TEXTURE_LIMIT, VulkanTarget


def stock(program, **options) -> list[bytes]:
    """What ExecuTorch's own partitioner and backend make of a program."""
    edge = to_edge_transform_and_lower(
        program,
        partitioner=[VulkanPartitioner(options)],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    modules = edge.exported_program().graph_module.named_children()
    return [bytes(one.processed_bytes) for _, one in modules if hasattr(one, "processed_bytes")]


@pytest.mark.parametrize("half", [False, True])
def test_a_float_model_gives_the_bytes_of_stock_executorch(half: bool) -> None:
    model = convolutions() if half else mlp()
    ours = lowered(model, half=half)
    assert [one.data for one in ours.delegates] == stock(model.program, force_fp16=half)
    assert not ours.host_operators


def test_static_int8_gives_the_bytes_of_stock_executorch() -> None:
    ours = static_convolutions()
    assert [one.data for one in ours.delegates] == stock(ours.quantised)
    assert "et_vk.q8ta_conv2d_dw.default" in operators(ours)[0]


def test_the_runtime_finds_its_own_name_and_no_specification_of_ours() -> None:
    module = lowered(mlp()).edge.exported_program().graph_module
    (delegate,) = (one for _, one in module.named_children() if hasattr(one, "backend_id"))
    assert delegate.backend_id == "VulkanBackend"
    assert not [spec for spec in delegate.compile_specs if "velatune" in spec.key]


def test_layers_have_schemes_of_their_own() -> None:
    (names,) = operators(lowered(mlp(), {1: Scheme.W4G32, 2: Scheme.A8W4G32}))
    assert names == [
        "et_vk.linear_q4gsw.default",
        "aten.relu.default",
        "torchao.choose_qparams_affine.default",
        "et_vk.linear_dq8ca_q4gsw.default",
    ]


def test_weights_are_those_of_vulkans_own_quantiser() -> None:
    model = mlp()
    settings = Settings(schemes=everywhere(Scheme.W8, 2))
    ours = quantised_program(model, settings, model.calibration_inputs)[0].module()
    config = vulkan_quantizer.get_symmetric_quantization_config(weight_bits=8)
    prepared = prepare_pt2e(
        model.program.module(check_guards=False), vulkan_quantizer.VulkanQuantizer().set_global(config)
    )
    prepared(*model.example_inputs)
    assert torch.equal(ours(*model.example_inputs), convert_pt2e(prepared)(*model.example_inputs))


class NormBefore(nn.Module):
    """An RMS norm with its epsilon, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.linear = nn.Parameter(torch.rand(32) + 0.5), nn.Linear(32, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.scale)


def test_quantised_weights_leave_a_norm_that_is_fused() -> None:
    """ExecuTorch's own quantiser makes a tensor of the epsilon, at which its matcher of norms stops."""
    program = lowered(made(NormBefore, 4, 32), {1: Scheme.W8}, quantised_passes=(rewrite("fuse-linear-qcs8w"),))
    assert program.fused == {"rms_norm": 1}
    assert "et_vk.rms_norm.default" in operators(program)[0]


def test_a_blocked_operator_stays_on_the_cpu_and_says_why() -> None:
    program = lowered(mlp(), blocked=frozenset({"aten.relu.default"}))
    assert len(program.delegates) == 2
    assert [(one.operator, one.reason) for one in program.host_operators] == [
        ("aten.relu.default", "op is in blocklist")
    ]


def test_a_pattern_that_is_off_fuses_nothing() -> None:
    on = lowered(mlp(), everywhere(Scheme.W4G32, 2))
    off = lowered(mlp(), everywhere(Scheme.W4G32, 2), patterns_off=frozenset({"quantized_linear"}))
    assert on.fused == {"quantized_linear": 2}
    assert not off.fused
    assert not any("q4gsw" in name for names in operators(off) for name in names)


def test_layers_are_numbered_in_program_order() -> None:
    layers = model_layers(convolutions())
    assert [(one.number, one.kind, one.shape[0]) for one in layers] == [
        (1, "conv2d", 16),
        (2, "conv2d", 16),
        (3, "conv2d", 16),
        (4, "linear", 8),
    ]
    assert layers[0].name == "stem.0"


@pytest.mark.parametrize(
    ("schemes", "said"),
    [
        ({3: Scheme.W8}, "no layer 3, the model has 2"),
        ({2: Scheme.W4G128}, "groups of 128 do not divide"),
    ],
)
def test_a_scheme_that_fits_no_layer_is_refused_with_its_reason(schemes: dict[int, Scheme], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        lowered(mlp(), schemes)


def test_a_scheme_for_linear_layers_is_refused_for_a_convolution() -> None:
    with pytest.raises(ModelError, match=r"w8@1: is for linear layers, stem\.0 is a conv2d"):
        lowered(convolutions(), {1: Scheme.W8})


def test_a_target_says_what_differs_from_a_phone() -> None:
    assert VulkanTarget().label == "vulkan"
    assert VulkanTarget(GUARANTEED_TEXTURE_LIMIT).facts()["texture_limit"] == "2048"
    assert VulkanTarget(GUARANTEED_TEXTURE_LIMIT).identity() != VulkanTarget().identity()
