"""Rewrites into the forms that the runtime takes: their laws, and where they have no site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.vulkan_nets import Of, everywhere, made, operators, programs_of
from torch import nn

from search_space.recipe.recipe import Recipe
from workers.checking.sqnr import sqnr_of_outputs
from workers.vulkan.check.run import run_lowered
from workers.vulkan.lowering.lowering import quantised_program
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.base import ModuleRewrite
from workers.vulkan.passes.factors.multiply_factors import MultiplyFactors
from workers.vulkan.passes.forms.fill_group_norm_weights import FillGroupNormWeights
from workers.vulkan.passes.forms.fill_norm_weights import FillNormWeights
from workers.vulkan.passes.forms.flatten_layer_norms import FlattenLayerNorms
from workers.vulkan.passes.forms.fold_batch_norms import FoldBatchNorms
from workers.vulkan.passes.forms.gather_dims import GatherDims
from workers.vulkan.passes.forms.instance_norms import InstanceNorms
from workers.vulkan.passes.forms.name_pool_strides import NamePoolStrides
from workers.vulkan.passes.forms.norms_of_images import NormsOfImages
from workers.vulkan.passes.forms.pad_depthwise_apart import PadDepthwiseApart
from workers.vulkan.passes.forms.spell_rms_norms import SpellRmsNorms
from workers.vulkan.passes.spelling.spell_circular_pads import SpellCircularPads
from workers.vulkan.passes.spelling.spell_reflection_pads import SpellReflectionPads
from workers.vulkan.passes.spelling.spell_remainders import SpellRemainders


def after_relu(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return net(x.relu())


def rewritten(one: ModuleRewrite, net: nn.Module, *inputs: torch.Tensor) -> tuple[int, torch.Tensor, torch.Tensor]:
    """At how many places a pass rewrites a net, and the outputs before and after that."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    module: Any = torch.export.export(net.eval(), inputs).module(check_guards=False)
    before = module(*inputs)
    count = one.apply(module)
    assert not one.sites(module)
    return count, before, module(*inputs)


@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)), kind=st.sampled_from([F.max_pool2d, F.avg_pool2d]),
    ceil=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=8)
def test_a_pool_without_a_stride_moves_by_its_kernel(
    kernel: tuple[int, int], kind: Callable[..., torch.Tensor], ceil: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    net = Of(lambda x: kind(x, kernel, padding=kernel[0] // 2 if kernel[0] == kernel[1] else 0, ceil_mode=ceil))
    count, before, after = rewritten(NamePoolStrides(), net, torch.randn(1, 2, 7, 8))
    assert count == 1 and torch.equal(before, after)


def test_a_pool_that_names_its_stride_is_left() -> None:
    net = Of(lambda a, b, x: b(a(x)), nn.MaxPool2d(2), nn.AvgPool2d(2, 1))
    assert rewritten(NamePoolStrides(), net, torch.randn(1, 2, 8, 8))[0] == 0


@given(
    kernel=st.tuples(st.integers(2, 7), st.integers(1, 7)), stride=st.integers(1, 2), dilation=st.integers(1, 2),
    padding=st.tuples(st.integers(0, 3), st.integers(1, 3)), bias=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=20)
def test_a_depthwise_convolution_of_a_padded_input_needs_no_padding(
    kernel: tuple[int, int], stride: int, dilation: int, padding: tuple[int, int], bias: bool, seed: int
) -> None:
    assume(kernel not in ((3, 3), (5, 5)))
    torch.manual_seed(seed)
    net = nn.Conv2d(3, 3, kernel, stride, padding, dilation, groups=3, bias=bias)
    count, before, after = rewritten(PadDepthwiseApart(), net, torch.randn(2, 3, 14, 13))
    # PyTorch sums filters of one column in another order where there is no padding.
    assert count == 1 and torch.allclose(before, after, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("net", "count"),
    [
        (nn.Conv2d(3, 3, 4, padding="same", groups=3), 1),
        (nn.Conv2d(3, 3, (7, 2), padding="same", dilation=3, groups=3), 1),
        (nn.Conv2d(3, 3, 7, padding="valid", groups=3), 0),
        (nn.Conv2d(3, 3, 5, padding=2, groups=3), 0),
        (nn.Conv2d(3, 3, (7, 1), padding=(3, 0), groups=3), 0),
        (nn.Conv2d(3, 3, (1, 7), padding=(0, 3), groups=3), 0),
        (nn.Conv2d(3, 6, 7, padding=3, groups=3), 0),
        (nn.Conv2d(3, 6, 7, padding=3), 0),
    ],
)
def test_convolutions_that_the_shader_computes_are_left(net: nn.Module, count: int) -> None:
    torch.manual_seed(0)
    found, before, after = rewritten(PadDepthwiseApart(), net, torch.randn(1, 3, 14, 13))
    assert found == count and torch.equal(before, after)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.LayerNorm(6, elementwise_affine=False), (2, 4, 6)),
        (nn.LayerNorm(6, bias=False), (2, 4, 6)),
        (nn.LayerNorm((4, 6), elementwise_affine=False), (2, 4, 6)),
        (Of(lambda x: F.layer_norm(x, (6,))), (4, 6)),
        (Of(after_relu, nn.BatchNorm2d(4, affine=False)), (2, 4, 3, 3)),
        (nn.BatchNorm1d(4, affine=False), (2, 4)),
    ],
)
def test_ones_and_zeros_change_no_value_of_a_normalisation(net: nn.Module, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    count, before, after = rewritten(FillNormWeights(), net, torch.randn(*shape))
    assert count == 1 and torch.equal(before, after)


def test_ones_and_zeros_change_a_group_norm_in_its_last_bits() -> None:
    torch.manual_seed(0)
    net, x = nn.GroupNorm(2, 4, affine=False), torch.randn(2, 4, 3, 3)
    assert rewritten(FillNormWeights(), net, x)[0] == 0
    count, before, after = rewritten(FillGroupNormWeights(), net, x)
    assert count == 1 and torch.allclose(before, after, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("affine", "sites"), [(False, 1), (True, 0)])
def test_a_batch_norm_that_a_convolution_takes_in_is_folded_and_not_filled(affine: bool, sites: int) -> None:
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=affine)), torch.randn(1, 3, 5, 5)
    assert rewritten(FillNormWeights(), net, x)[0] == 0
    count, before, after = rewritten(FoldBatchNorms(), net, x)
    assert count == sites and torch.equal(before, after)


@pytest.mark.parametrize("decomposed", [False, True])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_a_batch_norm_of_rows_is_folded_into_the_linear_layer_before_it(
    bias: bool, affine: bool, decomposed: bool
) -> None:
    torch.manual_seed(0)
    linear, norm = nn.Linear(6, 5, bias=bias), nn.BatchNorm1d(5, affine=affine, eps=0.1).eval()
    for value in (norm.running_mean, *norm.parameters()):
        nn.init.normal_(value)
    norm.running_var.uniform_(0.5, 2)
    # A second reader of the weights, which must see them unchanged.
    net, x = Of(lambda linear, norm, x: norm(linear(x)) + linear(x * 2), linear, norm), torch.randn(4, 6)
    program = torch.export.export(net, (x,))
    module: Any = (program.run_decompositions({}) if decomposed else program).module(check_guards=False)
    wanted = net(x)
    assert not NormsOfImages().sites(module) and not FillNormWeights().sites(module)
    assert FoldBatchNorms().apply(module) == 1 and not FoldBatchNorms().sites(module)
    assert not any("batch_norm" in str(node.target) for node in module.graph.nodes)
    torch.testing.assert_close(module(x), wanted)


@pytest.mark.parametrize(
    ("of", "shape"),
    [
        (lambda linear, norm, x: norm(linear(x)), (3, 5, 6)),  # its channels are the layer's rows
        (lambda linear, norm, x: norm(linear(x).relu()), (3, 6)),
        (lambda linear, norm, x: (lambda y: norm(y) + y)(linear(x)), (3, 6)),
        (lambda linear, norm, x: norm(F.linear(x, linear.weight * x.mean())), (3, 6)),
    ],
)
def test_a_batch_norm_that_a_linear_layer_does_not_take_in_is_one_of_an_image(
    of: Callable[..., torch.Tensor], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    net = Of(of, nn.Linear(6, 5), nn.BatchNorm1d(5))
    assert rewritten(FoldBatchNorms(), net, torch.randn(*shape))[0] == 0
    count, before, after = rewritten(NormsOfImages(), net, torch.randn(*shape))
    assert count == 1 and torch.equal(before, after)


def test_a_batch_norm_after_a_product_with_weights_that_are_not_transposed_is_left() -> None:
    """A permutation by 0, 1 keeps square weights as they are."""
    torch.manual_seed(0)
    net = Of(lambda linear, norm, x: norm(torch.mm(x, linear.weight.permute(0, 1))), nn.Linear(5, 5), nn.BatchNorm1d(5))
    net.train(False)
    module: Any = torch.export.export(net, (torch.randn(3, 5),)).run_decompositions({}).module(check_guards=False)
    assert any(node.args[1:] == ([0, 1],) for node in module.graph.nodes)
    assert not FoldBatchNorms().sites(module)


def test_a_folded_linear_layer_can_be_quantised_and_loads() -> None:
    """Its norm of two dimensions was left, which the runtime does not take; as one of an image it was called wrong."""
    norm = nn.BatchNorm1d(24)
    norm.running_mean.normal_()
    programs = programs_of(made(lambda: nn.Sequential(nn.Linear(64, 24, bias=False), norm, nn.ReLU()), 4, 64))
    for recipe in ("fold-batch-norms", "scheme=w8 | fold-batch-norms,fuse-linear-qcs8w"):
        program = programs.built(Recipe.parse(recipe))
        assert not any("batch_norm" in name for names in operators(programs.lowered(program)) for name in names)
        assert programs.executed(program, False, False, False).equal
        assert programs.quality(program).sqnr_db > 30


@pytest.mark.parametrize(
    ("net", "shape", "sites"),
    [
        (Of(after_relu, nn.BatchNorm1d(4)), (3, 4, 5), 1),
        (Of(after_relu, nn.BatchNorm1d(4)), (3, 4), 1),
        (nn.GroupNorm(2, 4), (3, 4, 5), 1),
        (nn.GroupNorm(2, 4), (3, 4, 5, 2), 0),
        (nn.Sequential(nn.Conv1d(4, 4, 1), nn.BatchNorm1d(4)), (3, 4, 5), 0),
    ],
)
def test_a_normalisation_of_a_signal_is_one_of_an_image(net: nn.Module, shape: tuple[int, ...], sites: int) -> None:
    torch.manual_seed(0)
    count, before, after = rewritten(NormsOfImages(), net, torch.randn(*shape))
    assert count == sites and torch.equal(before, after)


@given(shape=st.lists(st.integers(1, 5), min_size=2, max_size=4), over=st.integers(2, 4), affine=st.booleans())
@settings(max_examples=8)
def test_a_layer_norm_over_several_dimensions_is_one_over_their_elements(
    shape: list[int], over: int, affine: bool
) -> None:
    torch.manual_seed(0)
    net = nn.LayerNorm(shape[-over:], elementwise_affine=affine)
    if affine:
        nn.init.normal_(net.weight)
        nn.init.normal_(net.bias)
    count, before, after = rewritten(FlattenLayerNorms(), net, torch.randn(*shape))
    assert count == 1 and torch.equal(before, after)


@pytest.mark.parametrize(("dim", "sites"), [(-1, 1), (-2, 1), (0, 0)])
def test_a_gather_counts_its_dimension_from_the_front(dim: int, sites: int) -> None:
    x, at = torch.randn(3, 4), torch.tensor([[0, 2, 1, 1], [1, 0, 0, 2]])
    count, before, after = rewritten(GatherDims(), Of(lambda x, at: x.gather(dim, at)), x, at)
    assert count == sites and torch.equal(before, after)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.InstanceNorm2d(4, affine=True), (2, 4, 5, 3)),
        (nn.InstanceNorm2d(4), (2, 4, 5, 3)),
        (nn.InstanceNorm1d(4), (2, 4, 9)),
    ],
)
def test_an_instance_norm_is_a_group_norm_with_a_group_for_each_channel(net: nn.Module, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    count, before, after = rewritten(InstanceNorms(), net, torch.randn(*shape) * 3 + 1)
    assert count == 1 and torch.allclose(before, after, atol=1e-5)


def test_an_instance_norm_runs_on_the_gpu_and_loads() -> None:
    programs = programs_of(made(lambda: Of(after_relu, nn.InstanceNorm2d(4)), 1, 4, 8, 8))
    assert programs.described_default()[0] == ("aten._native_batch_norm_legit.no_stats",)
    program = programs.built(Recipe.parse(programs.starting_points()[0]))
    assert not programs.lowered(program).host_operators
    assert "aten.native_group_norm.default" in operators(programs.lowered(program))[0]
    assert programs.executed(program, False, False, False).equal
    assert programs.quality(program).sqnr_db > 100


@given(
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=4), over=st.integers(1, 3), affine=st.booleans(),
    epsilon=st.sampled_from([None, 1e-5, 0.1]), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=10)
def test_a_spelled_rms_norm_computes_it(
    shape: list[int], over: int, affine: bool, epsilon: float | None, seed: int
) -> None:
    torch.manual_seed(seed)
    net = nn.RMSNorm(shape[-over:], epsilon, affine)
    if affine:
        nn.init.normal_(net.weight)
    count, before, after = rewritten(SpellRmsNorms(), net, torch.randn(*shape))
    assert count == 1 and torch.allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("shape", [(8,), (3, 8)])
def test_a_spelled_rms_norm_is_one_operator_and_one_delegate(shape: tuple[int, ...]) -> None:
    programs = programs_of(made(lambda: Of(after_relu, nn.RMSNorm(shape)), 1, 3, 8))
    (said,) = programs.described_default()[1]
    assert said.startswith("aten.add.Scalar on the CPU") and "spell-rms-norms (--allow-requant)" in said
    program = programs.built(Recipe.parse(programs.starting_points()[0]))
    (names,) = operators(programs.lowered(program))
    assert "et_vk.rms_norm.default" in names and "aten.rsqrt.default" not in names
    assert programs.executed(program, False, False, False).equal
    assert programs.quality(program).sqnr_db > 100


@given(dims=st.integers(1, 2), pads=st.lists(st.integers(0, 3), min_size=4, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=12)
def test_a_spelled_circular_pad_goes_round(dims: int, pads: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, wanted = torch.randn(1, 2, *[3, 5][:dims], generator=generator), pads[: 2 * dims]
    count, before, after = rewritten(SpellCircularPads(), Of(lambda x: F.pad(x, wanted, mode="circular")), x)
    assert count == any(wanted) and torch.equal(before, after)
    other = torch.export.export(Of(lambda x: F.pad(x, (1, 1), mode="reflect")), (x[0],)).module(check_guards=False)
    assert not SpellCircularPads().sites(other)


def test_a_circular_convolution_is_one_delegate_on_the_gpu() -> None:
    net = nn.Sequential(nn.ReLU(), nn.Conv1d(4, 6, 3, padding=1, padding_mode="circular"))
    programs = programs_of(made(lambda: net, 1, 4, 9))
    assert "aten.slice_scatter.default" in programs.described_default()[0]
    program = programs.built(Recipe.parse(programs.starting_points()[0]))
    assert not programs.lowered(program).host_operators and len(programs.lowered(program).delegates) == 1
    assert programs.executed(program, False, False, False).equal
    assert programs.equal(program, programs.default, whole=True).equal


@given(
    dims=st.integers(1, 2), pads=st.lists(st.integers(0, 2), min_size=4, max_size=4), batched=st.booleans(),
    mode=st.sampled_from(["reflect", "replicate"]), decomposed=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=16)
def test_a_spelled_reflection_pad_is_what_numpy_pads(
    dims: int, pads: list[int], batched: bool, mode: str, decomposed: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*[1, 2][not batched :], *[3, 5][:dims], generator=generator)
    wanted = pads[: 2 * dims]
    program = torch.export.export(Of(lambda x: F.pad(x, wanted, mode=mode)), (x,))
    module: Any = (program.run_decompositions({}) if decomposed else program).module(check_guards=False)
    count = SpellReflectionPads().apply(module)
    widths = [(0, 0)] * (x.ndim - dims) + list(zip(wanted[::2], wanted[1::2], strict=True))[::-1]
    padded = np.pad(x.numpy(), widths, mode="reflect" if mode == "reflect" else "edge")
    assert count == any(wanted) and np.array_equal(module(x).numpy(), padded)
    assert not SpellReflectionPads().sites(module) and not SpellCircularPads().sites(module)


@pytest.mark.parametrize("pads", [(-1, 1), (0, 0)])
def test_padding_that_cuts_or_does_nothing_is_left(pads: tuple[int, int]) -> None:
    assert rewritten(SpellReflectionPads(), Of(lambda x: F.pad(x, pads, mode="reflect")), torch.randn(1, 2, 5))[0] == 0
    assert rewritten(SpellReflectionPads(), Of(lambda x: F.pad(x, (1, 1))), torch.randn(1, 2, 5))[0] == 0


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), (1, 4, 9, 8)),
        (nn.Conv1d(4, 6, 5, padding=2, padding_mode="replicate"), (1, 4, 9)),
        (nn.ReflectionPad1d((2, 1)), (1, 4, 9)),
    ],
)
def test_a_reflecting_layer_is_one_delegate_on_the_gpu(net: nn.Module, shape: tuple[int, ...]) -> None:
    programs = programs_of(made(lambda: Of(after_relu, net), *shape))
    assert any("spell-reflection-pads (exact) removes it" in one for one in programs.described_default()[1])
    program = programs.built(Recipe.parse(programs.starting_points()[0]))
    assert not programs.lowered(program).host_operators and len(programs.lowered(program).delegates) == 1
    assert programs.executed(program, False, False, False).equal
    assert programs.equal(program, programs.default, whole=True).equal


WIDE = st.sampled_from([1, -1, 2, 3, -3, 7, 2**15, 2**30 - 1, 1 - 2**30])


@given(
    dividends=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=9), divisor=WIDE, scalar=st.booleans(),
    dtype=st.sampled_from([torch.int32, torch.int64]),
)  # fmt: skip
@settings(max_examples=25)
def test_a_spelled_remainder_is_that_of_integers(
    dividends: list[int], divisor: int, scalar: bool, dtype: torch.dtype
) -> None:
    x, y = torch.tensor(dividends, dtype=dtype), torch.tensor([divisor], dtype=dtype)
    taken = (x,) if scalar else (x, y)
    net = Of(lambda x: x % divisor) if scalar else Of(torch.remainder)
    count, _, after = rewritten(SpellRemainders(), net, *taken)
    assert count == 1 and after.tolist() == [one % divisor for one in dividends]


@pytest.mark.parametrize(
    ("of", "x"),
    [
        (lambda x: x % 3, torch.rand(4)),
        (lambda x: x % 2**30, torch.arange(4)),
        (lambda x: x % 3, torch.arange(4, dtype=torch.int8)),
        (lambda x: x % 0.5, torch.arange(4)),
    ],
)
def test_other_remainders_stay(of: Callable[..., torch.Tensor], x: torch.Tensor) -> None:
    module: Any = torch.export.export(Of(of), (x,)).module(check_guards=False)
    assert not SpellRemainders().sites(module)


FACTORS = st.sampled_from([0, 0.3, 1, 2, -3])


@given(alpha=FACTORS, beta=FACTORS, constants=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=12)
def test_factors_of_a_product_are_those_of_its_operands(alpha: float, beta: float, constants: bool, seed: int) -> None:
    torch.manual_seed(seed)

    def of(bias: torch.Tensor, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return torch.addmm(bias, x, weights.t(), beta=beta, alpha=alpha)

    layer, x = nn.Linear(6, 5), torch.randn(3, 6)
    if constants:
        count, before, after = rewritten(MultiplyFactors(), Of(lambda net, x: of(net.bias, x, net.weight), layer), x)
    else:
        weights = layer.weight.detach()
        count, before, after = rewritten(MultiplyFactors(), Of(of), torch.randn(5), x, weights)
    assert count == ((alpha, beta) != (1, 1)) and torch.allclose(before, after, atol=1e-5)


def test_factors_of_weights_that_are_read_elsewhere_and_of_other_products_change_no_weights() -> None:
    torch.manual_seed(0)

    def of(layer: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        once = torch.addmm(layer.bias, x, layer.weight.t(), alpha=2)
        return torch.addmm(layer.bias, layer(once), layer.weight, alpha=3)

    count, before, after = rewritten(MultiplyFactors(), Of(of, nn.Linear(6, 6)), torch.randn(3, 6))
    assert count == 1 and torch.allclose(before, after, atol=1e-4)


class Scaled(nn.Module):
    """A product with factors, which ExecuTorch makes a linear operator of."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.layer.bias, x.relu(), self.layer.weight.t(), beta=0.5, alpha=2)


def test_a_product_with_factors_is_refused_until_they_are_multiplied() -> None:
    """It came out at 5 dB."""
    programs = programs_of(made(Scaled, 5, 6))
    (said,) = programs.described_default()[1]
    assert said.startswith("aten.addmm.default: ") and "multiply-factors (--allow-requant) removes it" in said
    assert not programs.executed(programs.default, False, False, True).equal
    program = programs.built(Recipe.parse(programs.starting_points()[0]))
    assert operators(programs.lowered(program)) == [["aten.relu.default", "aten.linear.default"]]
    assert programs.executed(program, False, False, False).equal
    assert programs.quality(program).sqnr_db > 100


class Weighted(nn.Module):
    """A sum of two convolutions with a factor, and a third one."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.one, self.other, self.last, self.alpha = (
            nn.Conv2d(4, 8, 1),
            nn.Conv2d(4, 8, 3, 1, 1),
            nn.Conv2d(8, 4, 1),
            alpha,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.add(self.one(x), self.other(x), alpha=self.alpha))


@pytest.mark.parametrize("alpha", [0.3, -3])
def test_a_static_sum_with_a_factor_is_refused_until_a_scale_has_it(alpha: float) -> None:
    """Without its factor of 2 it came out at 6 dB."""
    model = made(lambda: Weighted(alpha), 1, 4, 8, 8)
    programs = programs_of(model)
    stock = programs.built(Recipe.parse("scheme=static-int8"))
    assert "without its alpha" in str(programs.executed(stock, False, False, True).reason)
    assert "scheme=static-int8 | fold-alpha" in programs.starting_points()
    lowered = programs.lowered(programs.built(Recipe.parse("scheme=static-int8 | fold-alpha")))
    assert "et_vk.q8ta_add.default" in operators(lowered)[0]
    quantised, _ = quantised_program(model, Settings(everywhere(Scheme.STATIC8, 3)), model.calibration_inputs)
    (x,) = model.example_inputs
    assert sqnr_of_outputs([(quantised.module()(x),)], [run_lowered(lowered, (x,))])[0] > 50
