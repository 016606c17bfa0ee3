"""The references of the fused operators against the quantised PyTorch models that they come from."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis.extra.numpy import arrays
from support.vulkan_nets import (
    One,
    convolutions,
    everywhere,
    exported,
    lowered,
    made,
    mlp,
    rewrite,
    static_convolutions,
    worst_db,
)
from torch import nn

from workers.checking.sqnr import sqnr_db, sqnr_of_outputs
from workers.models.types import ExportedModel
from workers.vulkan.check import floats, weight_only
from workers.vulkan.check.run import run_lowered, stored_in_half
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.model.scheme import Scheme


def both(model: ExportedModel, program: Lowered) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """For each sample, what the quantised PyTorch model and the lowered program give."""
    quantised = program.quantised.module(check_guards=False)
    samples = model.calibration_inputs
    with torch.no_grad():
        return [(quantised(*sample), run_lowered(program, sample)[0]) for sample in samples]


@pytest.mark.parametrize("scheme", [Scheme.W4G32, Scheme.A8W4G32, Scheme.STATIC8])
def test_linear_layers_equal_the_quantised_model(scheme: Scheme) -> None:
    model = mlp()
    for wanted, given in both(model, lowered(model, everywhere(scheme, 2))):
        assert torch.equal(wanted, given)


def test_one_row_equals_the_quantised_model_where_the_kernel_is_another() -> None:
    model = made(One, 1, 64)
    program = lowered(model, {1: Scheme.STATIC8})
    assert [call.name for call in program.delegates[0].graph.chain][1] == "et_vk.q8ta_linear_gemv.default"
    for wanted, given in both(model, program):
        assert torch.equal(wanted, given)


def test_int8_convolutions_equal_the_quantised_model() -> None:
    """Dense, depthwise and pointwise ones, an addition and a linear layer."""
    for wanted, given in both(convolutions(), static_convolutions()):
        assert torch.equal(wanted, given)


class Shuffled(nn.Module):
    """What only image nets have: a transposed convolution and a pixel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.up = nn.Conv2d(4, 16, 3, padding=1), nn.ConvTranspose2d(4, 8, 2, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.up(torch.pixel_shuffle(self.first(x), 2))


def test_upsampling_equals_the_quantised_model() -> None:
    model = made(Shuffled, 1, 4, 6, 6)
    for wanted, given in both(model, lowered(model, everywhere(Scheme.STATIC8, 2))):
        assert torch.equal(wanted, given)


@pytest.mark.parametrize(("scheme", "name"), [(Scheme.W8, "fuse-linear-qcs8w"), (Scheme.W4, "fuse-linear-qcs4w")])
def test_weights_for_each_channel_are_the_quantised_models_up_to_the_order_of_sums(scheme: Scheme, name: str) -> None:
    model = mlp()
    schemes = everywhere(scheme, 2)
    plain, fused = lowered(model, schemes), lowered(model, schemes, quantised_passes=(rewrite(name),))
    quantised = plain.quantised.module(check_guards=False)
    with torch.no_grad():
        wanted = [(quantised(*sample),) for sample in model.calibration_inputs]
    assert min(sqnr_of_outputs(wanted, [run_lowered(fused, sample) for sample in model.calibration_inputs])) > 120


def test_half_precision_is_rounded_where_values_are_stored() -> None:
    model = mlp()
    exact, half = (worst_db(model, lowered(model, half=h), model.calibration_inputs, half=h) for h in (False, True))
    assert exact == 200
    assert 50 < half < 80


@hypothesis.given(arrays(np.float32, 8, elements=st.floats(-70000, 70000, width=32)))
def test_a_store_in_half_precision_cuts_off_towards_zero(values: np.ndarray) -> None:
    """numpy's neighbours say what the next number away from zero is."""
    stored = stored_in_half(torch.from_numpy(values)).numpy()
    for one, given in zip(values, stored, strict=True):
        half = np.float16(given)
        if np.isinf(given):
            assert abs(one) >= 65520 and np.sign(given) == np.sign(one)
        else:
            assert float(half) == given and abs(given) <= abs(one)
            away = np.nextafter(np.abs(half), np.float16(np.inf))
            assert float(away) > abs(one) or abs(one) > 65504


def test_a_gelu_is_the_form_with_tanh() -> None:
    x = torch.linspace(-6, 6, 101)
    wanted = x / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))
    program = lowered(exported(nn.GELU(), 4, 8))
    assert [[call.name for call in one.graph.chain] for one in program.delegates] == [["aten.gelu.default"]]
    assert torch.allclose(floats.gelu(x), wanted, atol=1e-6)
    assert torch.allclose(run_lowered(program, (x[:32].reshape(4, 8),))[0].flatten(), wanted[:32], atol=1e-6)


def test_a_clamp_may_have_no_bounds() -> None:
    x, weights = torch.randn(1, 2, 4, 4), torch.randn(3, 2, 1, 1)
    arguments = (x, weights, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    plain = torch.conv2d(x, weights)
    assert torch.equal(floats.conv_with_clamp(*arguments, None, float("inf")), plain)
    assert torch.equal(floats.conv_with_clamp(*arguments, 0.0, 3.4028235e38), plain.relu())


def test_rms_norm_is_pytorchs() -> None:
    x, weight = torch.randn(2, 5, 16), torch.randn(16)
    assert torch.allclose(floats.rms_norm(x, weight, 1e-5), torch.rms_norm(x, (16,), weight, 1e-5), atol=1e-6)


@pytest.mark.parametrize("heads", [False, True])
def test_rotary_embeddings_are_those_that_executorch_fuses(heads: bool) -> None:
    from executorch.backends.vulkan.patterns import RotaryEmbeddingPattern

    shape = (5, 3, 4) if heads else (5, 4)
    operands = torch.randn(1, 5, 3, 8), torch.randn(1, 5, 3, 8), torch.randn(shape), torch.randn(shape)
    for ours, theirs in zip(floats.apply_rotary_emb(*operands), RotaryEmbeddingPattern()(*operands), strict=True):
        assert torch.allclose(ours, theirs)


@pytest.mark.parametrize("width", [8, 4])
def test_rotary_embeddings_of_halves_are_those_that_executorch_fuses(width: int) -> None:
    from executorch.backends.vulkan.patterns import HfRotaryEmbeddingPattern

    queries, keys, cosines, sines = (
        torch.randn(1, 5, 3, 8),
        torch.randn(1, 5, 1, 8),
        torch.randn(9, width),
        torch.randn(9, width),
    )
    theirs = HfRotaryEmbeddingPattern()(queries, keys, cosines[2:7], sines[2:7])
    for one, other in zip(floats.apply_rotary_emb_hf(queries, keys, cosines, sines, 2), theirs, strict=True):
        assert torch.allclose(one, other)


@pytest.mark.parametrize("lower_first", [False, True])
def test_an_embedding_of_4_bits_gives_the_rows_that_were_packed(lower_first: bool) -> None:
    integers, scales = torch.randint(-8, 8, (6, 64)), torch.rand(6, 2)
    first, second = (integers + 8).to(torch.uint8)[:, ::2], (integers + 8).to(torch.uint8)[:, 1::2]
    packed = second << 4 | first if lower_first else first << 4 | second
    rows = weight_only.embedding_q4gsw(packed, scales, 32, torch.tensor([5, 0]), lower_first)
    assert torch.equal(rows, (integers * scales.repeat_interleave(32, 1))[[5, 0]])


@pytest.mark.parametrize("rows", [1, 3])
def test_weights_in_groups_are_summed_in_half_precision_where_there_are_several_rows(rows: int) -> None:
    generator = torch.Generator().manual_seed(0)
    integers = torch.randint(-8, 8, (8, 256), generator=generator)
    x, scales = (torch.randn(*shape, generator=generator).half().numpy() for shape in ((rows, 256), (4, 8)))
    nibbles = (integers + 8).to(torch.uint8)
    operands = torch.from_numpy(x).float(), nibbles[:, 1::2] << 4 | nibbles[:, ::2], torch.from_numpy(scales).float()
    found = weight_only.linear_q4gsw_in_half(*operands, 64)
    columns = integers.numpy().astype(np.float16) * scales.repeat(64, axis=0).T
    sums = np.zeros((rows, 8), np.float16)  # numpy rounds each product and each sum of two halves
    for term in range(256):
        sums += x[:, term : term + 1] * columns[:, term]
    in_float = weight_only.linear_q4gsw(*operands, 64)
    assert not np.array_equal(sums, in_float.half().numpy())
    assert torch.equal(found, torch.from_numpy(sums).float() if rows > 1 else in_float)


def test_long_sums_of_weights_in_groups_lose_what_a_software_vulkan_loses() -> None:
    """A layer like this gave 46.2 dB there with 1024 columns, and 41.5 dB with 4096."""
    model = made(lambda: nn.Linear(1024, 32), 16, 1024)
    program = lowered(model, {1: Scheme.W4G64}, half=True)
    quantised = program.quantised.module(check_guards=False)
    (sample, *_) = model.calibration_inputs
    assert sqnr_db([quantised(*sample)], [run_lowered(program, sample, half=True)[0]]) == pytest.approx(46.2, abs=2)


def test_a_ratio_is_in_decibels_and_has_ends() -> None:
    x = torch.tensor([3.0, 4.0])
    assert sqnr_db([x], [x + torch.tensor([0.3, 0.4])]) == pytest.approx(20, abs=1e-4)
    assert sqnr_db([x], [x]) == 200
    assert sqnr_db([x], [x * float("nan")]) == -200


def test_an_operator_on_the_cpu_runs_between_delegates() -> None:
    model = exported(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)), 4, 8)
    program = lowered(model, on_cpu={"aten.relu.default": frozenset()})
    assert len(program.delegates) == 2
    assert worst_db(model, program, model.calibration_inputs) == 200
