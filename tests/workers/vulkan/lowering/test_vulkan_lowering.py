"""Lowering: byte for byte what stock ExecuTorch makes of a model, and each layer by its scheme."""

import pytest
import torch
from executorch.backends.vulkan.partitioner.vulkan_partitioner import VulkanPartitioner
from executorch.backends.vulkan.quantizer import vulkan_quantizer
from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower
from support.vulkan_nets import (
    convolutions,
    everywhere,
    exported,
    lowered,
    made,
    mlp,
    one,
    operators,
    rewrite,
    static_convolutions,
    worst_db,
)
from torch import nn
from torch._export import utils
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from workers.errors import ModelError
from workers.vulkan.check.run import run_lowered
from workers.vulkan.lowering.lowering import lower, model_layers, quantised_program
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
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


def rms_norm(x: torch.Tensor) -> torch.Tensor:
    """Along the last dimension, without its weights."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5)


class NormBefore(nn.Module):
    """An RMS norm with its epsilon, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.linear = nn.Parameter(torch.rand(32) + 0.5), nn.Linear(32, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(rms_norm(x) * self.scale)


def test_quantised_weights_leave_a_norm_that_is_fused() -> None:
    """ExecuTorch's own quantiser makes a tensor of the epsilon, at which its matcher of norms stops."""
    program = lowered(made(NormBefore, 4, 32), {1: Scheme.W8}, quantised_passes=(rewrite("fuse-linear-qcs8w"),))
    assert program.fused == {"rms_norm": 1}
    assert "et_vk.rms_norm.default" in operators(program)[0]


class ThreeRelus(nn.Module):
    """Three ReLUs with something between them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(torch.relu(torch.relu(x) - 1) - 2) - 3


@pytest.mark.parametrize(("sites", "kept", "delegates"), [((), 3, 3), ((2,), 1, 2), ((1, 3), 2, 2), ((4,), 0, 1)])
def test_an_operator_stays_on_the_cpu_where_a_recipe_says_so(sites: tuple[int, ...], kept: int, delegates: int) -> None:
    model = made(ThreeRelus, 2, 8)
    program = lowered(model, on_cpu={"aten.relu.default": frozenset(sites)})
    reasons = [(one.operator, one.reason) for one in program.host_operators]
    assert reasons == [("aten.relu.default", "the recipe keeps it there")] * kept
    assert len(program.delegates) == delegates
    (x,) = model.example_inputs
    assert torch.equal(run_lowered(program, (x,))[0], ThreeRelus()(x))


@pytest.mark.parametrize(("sites", "fused"), [((), 0), ((2,), 1), ((1,), 1), ((3,), 2)])
def test_a_pattern_is_left_unfused_where_a_recipe_says_so(sites: tuple[int, ...], fused: int) -> None:
    program = lowered(mlp(), everywhere(Scheme.W4G32, 2), unfused={"quantized_linear": frozenset(sites)})
    names = [name for names in operators(program) for name in names]
    assert program.fused == {"quantized_linear": 2}
    assert names.count("et_vk.linear_q4gsw.default") == fused
    assert names.count("aten.linear.default") == 2 - fused
    if sites == (1,):
        assert names.index("aten.linear.default") < names.index("et_vk.linear_q4gsw.default")


class TwoNorms(nn.Module):
    """Two RMS norms, which a fused operator computes; the first one's result is also given."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.rand(32) + 0.5), nn.Parameter(torch.rand(32) + 0.5)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = rms_norm(x) * self.first
        return y, rms_norm(y.sin()) * self.second


def test_a_float_pattern_is_left_at_one_of_its_places_and_computes_the_same() -> None:
    model = made(TwoNorms, 4, 32)
    all_fused, second = lowered(model), lowered(model, unfused={"rms_norm": frozenset({1})})
    counts = [sum(name == "et_vk.rms_norm.default" for name in operators(one)[0]) for one in (all_fused, second)]
    assert counts == [2, 1]
    assert worst_db(model, second, model.calibration_inputs) > 120


def test_an_operator_on_the_cpu_takes_its_whole_match_from_the_fusion() -> None:
    model = made(TwoNorms, 4, 32)
    program = lowered(model, on_cpu={"aten.rsqrt.default": frozenset({1})})
    assert [one.operator for one in program.host_operators] == ["aten.rsqrt.default"]
    assert sum(name == "et_vk.rms_norm.default" for names in operators(program) for name in names) == 1
    assert worst_db(model, program, model.calibration_inputs) > 120


def test_torch_lists_its_operators_once_and_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    stock = utils._materialize_cpp_cia_ops
    monkeypatch.setattr(utils, "_materialize_cpp_cia_ops", lambda: calls.append(stock()))
    before = utils._materialize_cpp_cia_ops
    lower(one(), VulkanTarget(), Settings(half=True), one().calibration_inputs)
    assert len(calls) == 1
    assert utils._materialize_cpp_cia_ops is before


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


class Shifted(nn.Module):
    """A constant that is made in forward()."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, torch.tensor([2, 0])] * 2


def test_a_model_stays_as_it_is_when_it_is_lowered() -> None:
    model = made(Shifted, 4, 3)
    x = model.calibration_inputs[0][0]
    lowered(model)
    assert torch.equal(model.program.module(check_guards=False)(x), x[:, [2, 0]] * 2)


class Of(nn.Module):
    """A function of one input."""

    def __init__(self, of) -> None:
        super().__init__()
        self.of = of

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.of(x)


@pytest.mark.parametrize(
    ("of", "instead", "said"),
    [
        (lambda x: x.roll(1, 1) + 1, lambda x: torch.cat([x[..., -1:], x[..., :-1]], -1) + 1, "torch.roll"),
        (lambda x: torch.split(x, 4, 1)[0] + 1, lambda x: x + 1, "a split into one part"),
        (lambda x: x.chunk(2, 0)[0] + 1, lambda x: x + 1, "a split into one part"),
    ],
)
def test_what_executorch_stops_at_is_named_with_its_line_and_with_what_to_write(of, instead, said: str) -> None:
    with pytest.raises(
        ModelError, match=rf"; {said} \(test_vulkan_lowering.py, line \d+\) is not lowered: \w+"
    ) as told:
        lowered(exported(Of(of), 1, 4))
    assert "\n" not in str(told.value)
    assert lowered(exported(Of(instead), 1, 4)).delegates
    x = torch.randn(1, 4)
    assert torch.equal(of(x), instead(x))
