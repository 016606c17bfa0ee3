"""Each rewrite: where it fits, that its law holds there, and what it does for the lowered program."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.vulkan_nets import (
    Attention,
    Convolutions,
    everywhere,
    lowered,
    made,
    mlp,
    operators,
    relu6_convolutions,
    rewrite,
    worst_db,
)
from torch import nn

from workers.vulkan.lowering.lowering import quantised_program
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.clamps.drop_relu6 import DropRelu6
from workers.vulkan.passes.fusion.fuse_linear_qcs4w import FuseLinearQcs4w
from workers.vulkan.passes.keep_reduced_dims import KeepReducedDims
from workers.vulkan.passes.registry import REWRITES
from workers.vulkan.passes.spelling.spell_attention import SpellAttention

RELU6_FREE = {
    "float_passes": (rewrite("keep-reduced-dims"), rewrite("quantise-behind-clamp")),
    "quantised_passes": (rewrite("drop-relu6"),),
}


def module_of(net: nn.Module, *shape: int) -> torch.fx.GraphModule:
    return torch.export.export(net.eval(), (torch.randn(*shape),)).module(check_guards=False)


@given(
    tokens=st.integers(1, 6), width=st.sampled_from([2, 4, 8]), scale=st.sampled_from([None, 0.3]),
    causal=st.booleans(), mask=st.sampled_from(["none", "bool", "float"]), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=12)
def test_spelled_attention_computes_attention(
    tokens: int, width: int, scale: float | None, causal: bool, mask: str, seed: int
) -> None:
    torch.manual_seed(seed)
    masks = {"none": None, "bool": torch.rand(tokens, tokens) > 0.4, "float": torch.randn(tokens, tokens)}
    if masks["bool"] is not None:
        masks["bool"].fill_diagonal_(True)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mask", masks[mask])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            alone = causal and self.mask is None
            return nn.functional.scaled_dot_product_attention(x, x * 2, x + 1, self.mask, is_causal=alone, scale=scale)

    module, x = module_of(Net(), 1, 2, tokens, width), torch.randn(1, 2, tokens, width)
    before = module(x)
    assert SpellAttention().apply(module) == 1
    assert not SpellAttention().sites(module)
    assert torch.allclose(module(x), before, atol=1e-5)


def test_attention_is_spelled_in_a_program_that_was_decomposed() -> None:
    x = torch.randn(1, 8, 32, generator=torch.Generator().manual_seed(0))
    module: Any = torch.export.export(Attention().eval(), (x,)).run_decompositions({}).module(check_guards=False)
    assert any(node.target == torch.ops.aten.view.default for node in module.graph.nodes)
    wanted = module(x)
    assert SpellAttention().apply(module) == 1
    torch.testing.assert_close(module(x), wanted)


def residuals(x: torch.Tensor) -> torch.Tensor:
    """A value to which more paths lead than a search may follow."""
    for _ in range(64):
        x = x + x.relu()
    return x


@pytest.mark.parametrize(
    ("masked", "sites"),
    [
        (lambda mask, x: mask[:5, :5], 1),  # as GPTs keep one for their longest text
        (lambda mask, x: torch.full((5, 5), float("-inf")).triu(1), 1),
        (lambda mask, x: (mask[:5, :5] == 0)[None], 1),
        (lambda mask, x: mask[:5, :5] + x[0, :, :1], 0),
        (lambda mask, x: torch.rand(5, 5) > 0.5, 0),
        (lambda mask, x: mask.mul_(1)[:5, :5], 0),
        (lambda mask, x: (mask[:5, :5].mul_(1), mask[:5, :5])[1], 0),
        (lambda mask, x: mask[:5, :5] + residuals(x)[0, :, :1], 0),
    ],
)
def test_attention_is_spelled_where_its_mask_is_computed_from_constants(
    masked: Callable[..., torch.Tensor], sites: int
) -> None:
    class Net(nn.Module):
        mask: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mask", torch.full((8, 8), float("-inf")).triu(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x * 2, x + 1, masked(self.mask, x))

    x = torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(0))
    module: Any = torch.export.export(Net(), (x,)).module(check_guards=False)
    wanted = module(x)
    assert len(SpellAttention().sites(module)) == sites
    if sites:
        assert SpellAttention().apply(module) == 1
        torch.testing.assert_close(module(x), wanted)


def test_attention_with_a_row_that_is_wholly_masked_is_left() -> None:
    """Softmax of nothing is not a number, and attention gives zeros there."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mask", torch.tensor([[True, False], [False, False]]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x, self.mask)

    assert not SpellAttention().sites(module_of(Net(), 1, 1, 2, 4))


def test_spelled_attention_is_one_delegate_with_nothing_on_the_cpu() -> None:
    model = made(Attention, 1, 8, 32)
    stock, spelled = lowered(model), lowered(model, float_passes=(rewrite("spell-attention"),))
    assert (len(stock.delegates), len(stock.host_operators)) == (3, 3)
    assert {one.operator for one in stock.host_operators} <= SpellAttention.removes
    assert (len(spelled.delegates), len(spelled.host_operators)) == (1, 0)
    assert worst_db(model, spelled, model.calibration_inputs) > 120


def test_scalars_as_tensors_leave_the_gpu_less_often() -> None:
    model = made(Attention, 1, 8, 32)
    program = lowered(model, edge_passes=(rewrite("tensor-scalars"),))
    assert [one.operator for one in program.host_operators] == ["aten.any.dim"]
    assert worst_db(model, program, model.calibration_inputs) > 120


def test_scalars_at_one_site() -> None:
    program = lowered(made(Attention, 1, 8, 32), edge_passes=(rewrite("tensor-scalars@2"),))
    assert [one.operator for one in program.host_operators] == ["aten.mul.Scalar", "aten.any.dim"]


def test_a_mean_that_keeps_its_dimensions_is_exact_and_on_the_gpu() -> None:
    model = made(lambda: Convolutions(keepdim=False), 1, 3, 16, 16)
    stock, kept = lowered(model), lowered(model, float_passes=(rewrite("keep-reduced-dims"),))
    assert [one.operator for one in stock.host_operators] == ["aten.mean.dim"]
    assert not kept.host_operators
    (x,) = model.example_inputs
    assert torch.equal(kept.quantised.module()(x), model.program.module()(x))


class Reduced(nn.Module):
    """Reductions along the last dimension, which are taken as they are, and along others."""

    def __init__(self, of: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.of = of

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [*(self.of(x, dims) for dims in (-1, 1, -2, (0, 2))), self.of(x, (1, 2), True)]


@pytest.mark.parametrize("of", [torch.mean, torch.sum, torch.amax, torch.amin])
def test_a_reduction_is_rewritten_where_the_partitioner_would_not_take_it(of: Callable[..., torch.Tensor]) -> None:
    module, x = module_of(Reduced(of), 2, 4, 8), torch.randn(2, 4, 8)
    before, name = module(x), of.__name__.removeprefix("torch.")
    assert [site.startswith(name) for site in KeepReducedDims().sites(module)] == [True] * 3
    assert KeepReducedDims().apply(module) == 3
    assert all(map(torch.equal, module(x), before)) and not KeepReducedDims().sites(module)


def test_sums_and_largest_values_over_tokens_are_on_the_gpu() -> None:
    class Tokens(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * x).sum(1) / x.abs().amax(1)

    stock, kept = (lowered(made(Tokens, 1, 8, 16), float_passes=passes) for passes in ((), (KeepReducedDims(),)))
    assert [one.operator for one in stock.host_operators] == ["aten.sum.dim_IntList", "aten.amax.default"]
    assert (len(kept.delegates), kept.host_operators) == (1, ())


def test_a_relu6_behind_which_is_quantised_is_dropped_without_a_change_of_the_quantised_program() -> None:
    model = relu6_convolutions()
    schemes = everywhere(Scheme.STATIC8, 4)
    stock, free = lowered(model, schemes), lowered(model, schemes, **RELU6_FREE)
    assert free.rewritten == (1, 3, 3)
    assert sum("hardtanh" in name for names in operators(stock) for name in names) == 3
    assert not any("hardtanh" in name for names in operators(free) for name in names)
    settings = Settings(schemes=schemes, float_passes=RELU6_FREE["float_passes"])
    clamped, _ = quantised_program(model, settings, model.calibration_inputs)
    for scale in (1.0, 40.0):
        x = model.example_inputs[0] * scale
        assert torch.equal(free.quantised.module()(x), clamped.module()(x))


def quantising(scale: float, zero: int, low: float, high: float) -> torch.fx.GraphModule:
    """A clamp before a quantiser."""
    graph = torch.fx.Graph()
    x = graph.placeholder("x")
    clamp = graph.call_function(torch.ops.aten.hardtanh.default, (x, low, high))
    arguments = (clamp, scale, zero, -128, 127, torch.int8)
    graph.output(graph.call_function(torch.ops.quantized_decomposed.quantize_per_tensor.default, arguments))
    return torch.fx.GraphModule(nn.Module(), graph)


@given(
    scale=st.floats(1e-4, 0.2), zero=st.integers(-128, -120), high=st.sampled_from([1.0, 6.0]),
    values=st.lists(st.floats(-50, 50), min_size=1, max_size=40),
)  # fmt: skip
@settings(max_examples=60)
def test_a_clamp_is_dropped_only_where_the_quantiser_does_the_same(
    scale: float, zero: int, high: float, values: list[float]
) -> None:
    module, x = quantising(scale, zero, 0.0, high), torch.tensor([*values, 0.0, high, -1e30, 1e30])
    before = module(x)
    fits = bool(DropRelu6().apply(module))
    assert torch.equal(module(x), before)
    integers = quantising(scale, zero, -1e38, 1e38)(x)
    assert fits == torch.equal(integers, before)


def test_a_relu6_whose_range_is_wider_stays() -> None:
    assert DropRelu6().sites(quantising(6 / 255, -128, 0.0, 6.0))
    assert not DropRelu6().sites(quantising(7 / 255, -128, 0.0, 6.0))
    assert not DropRelu6().sites(quantising(6 / 255, -127, 0.0, 6.0))


@pytest.mark.parametrize(
    ("scheme", "name", "operator"),
    [
        (Scheme.W8, "fuse-linear-qcs8w", "aten._weight_int8pack_mm.default"),
        (Scheme.W4, "fuse-linear-qcs4w", "et_vk.linear_qcs4w.default"),
    ],
)
def test_linear_with_symmetric_weights_for_each_channel_becomes_one_operator(
    scheme: Scheme, name: str, operator: str
) -> None:
    program = lowered(mlp(), everywhere(scheme, 2), quantised_passes=(rewrite(name),))
    names = [call for call in operators(program)[0] if call != "et_vk.prepack.default"]
    assert names == [operator, "aten.add.Tensor", "aten.relu.default", operator, "aten.add.Tensor"]


def test_a_fusion_follows_a_rewrite_of_what_it_reads() -> None:
    model = made(lambda: Convolutions(keepdim=False), 1, 3, 16, 16)
    mean, fuse = (rewrite("keep-reduced-dims"),), (rewrite("fuse-linear-qcs8w"),)
    program = lowered(model, {4: Scheme.W8}, float_passes=mean, quantised_passes=fuse)
    assert program.rewritten == (1, 1)
    assert "aten._weight_int8pack_mm.default" in operators(program)[0]


def test_a_fusion_at_one_site_leaves_the_others() -> None:
    program = lowered(mlp(), everywhere(Scheme.W8, 2), quantised_passes=(rewrite("fuse-linear-qcs8w@2"),))
    names = [name for name in operators(program)[0] if "prepack" not in name]
    assert names[:2] == ["quantized_decomposed.dequantize_per_channel.default", "aten.linear.default"]
    assert names[-2:] == ["aten._weight_int8pack_mm.default", "aten.add.Tensor"]


def test_weights_of_8_bits_are_not_taken_for_weights_of_4_by_their_values() -> None:
    """ExecuTorch's own pass looks at the values, and takes small weights of 8 bits for weights of 4."""
    program, _ = quantised_program(mlp(), Settings(schemes={1: Scheme.W8}), mlp().calibration_inputs)
    module = program.module(check_guards=False)
    for value in module.buffers():
        if value.dtype == torch.int8:
            value.clamp_(-8, 7)
    assert not FuseLinearQcs4w().sites(module)
    assert REWRITES["fuse-linear-qcs8w"]().sites(module)


def test_recipes_name_rewrites_and_sites() -> None:
    assert str(rewrite("drop-relu6@3+1")) == "drop-relu6@1+3"
    assert str(rewrite("spell-attention")) == "spell-attention"
