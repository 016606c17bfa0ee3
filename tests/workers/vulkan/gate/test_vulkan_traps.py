"""Each known way in which a file lowers cleanly and fails on the device, as the smallest program, with its verdict.

What a run on a software Vulkan gave stands beside each: runs of shared facts, not of these tests.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from executorch.backends.vulkan.patterns import RotaryEmbeddingPattern
from executorch.backends.vulkan.quantizer.vulkan_quantizer import VulkanQuantizer, get_symmetric_quantization_config
from support.vulkan_nets import (
    Attention,
    One,
    lowered,
    made,
    mlp,
    one,
    programs_of,
    rewrite,
    static_convolutions,
)
from torch import nn
from torchao.quantization.pt2e.observer import MinMaxObserver
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import QuantizationConfig

from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe
from workers.checking.sqnr import sqnr_db
from workers.errors import ModelError
from workers.models.model_source import export
from workers.models.types import SourceModel
from workers.vulkan.check.run import run_lowered
from workers.vulkan.gate.verdict import NOT_KNOWN_TO_FAIL, Verdict, verdict
from workers.vulkan.lowering.graph.lowered_graphs import graphs_of
from workers.vulkan.lowering.graph.vk_graph import BUFFER, TEXTURE_3D, read_graph
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.lowering import lower
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.target import VulkanTarget

QCS8W, QCS4W = (rewrite("fuse-linear-qcs8w"),), (rewrite("fuse-linear-qcs4w"),)


class Flattened(nn.Module):
    """A linear layer behind a flatten of one pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.flatten(x.relu(), 1))


class Columns(nn.Module):
    """A linear layer along the columns of a matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.transpose(1, 2))


class Normed(nn.Module):
    """An RMS norm and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.linear = nn.Parameter(torch.rand(64)), nn.Linear(64, 24, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight)


class Of(nn.Module):
    """A function of the input."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


class Turned(nn.Module):
    """Rows of a table of angles are looked up, and queries and keys are turned by them."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("cosines", torch.rand(64, 16))
        self.register_buffer("sines", torch.rand(64, 16))
        self.register_buffer("places", torch.tensor([3, 1, 4, 1, 5]))
        self.pattern = RotaryEmbeddingPattern()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.pattern(x, x + 1, self.cosines[self.places], self.sines[self.places])


class Lookup(nn.Module):
    """An embedding with many rows."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.table((x * 0).int())


def judged(program: Lowered) -> Verdict:
    return verdict(read_graph(one.graph) for one in program.delegates)


def refusals(program: Lowered) -> list[tuple[str, str]]:
    """Rule and operator of what refuses a program."""
    return [(one.rule.name, one.operator) for one in judged(program).refused]


def test_a_float_model_is_not_known_to_fail() -> None:
    assert str(judged(lowered(mlp()))) == NOT_KNOWN_TO_FAIL


@pytest.mark.parametrize(("scheme", "half"), [(Scheme.W4G32, True), (Scheme.A8W4G32, False)])
def test_weights_in_groups_are_not_known_to_fail(scheme: Scheme, half: bool) -> None:
    assert str(judged(lowered(one(), {1: scheme}, half=half))) == NOT_KNOWN_TO_FAIL


def test_static_int8_runs_in_single_precision_and_has_no_shaders_in_half() -> None:
    assert str(judged(static_convolutions())) == NOT_KNOWN_TO_FAIL
    found = refusals(static_convolutions(half=True))
    assert ("shader-variants", "et_vk.q8ta_conv2d.default") in found


def test_scaled_dot_product_attention_leaves_an_operator_that_the_runtime_lacks() -> None:
    """Aborts at load."""
    assert ("registration", "aten.logical_not.default") in refusals(lowered(made(Attention, 1, 8, 32)))


def test_weights_for_each_channel_that_nothing_fuses_are_refused() -> None:
    """Aborts at load: the runtime has no dequantize_per_channel."""
    name = "quantized_decomposed.dequantize_per_channel.default"
    assert ("registration", name) in refusals(lowered(one(), {1: Scheme.W8}))


def test_weights_in_groups_behind_a_flatten_are_not_fused_and_refused() -> None:
    """Aborts at load: the pattern looks at the tensor before the flatten, which has one channel."""
    program = lowered(made(Flattened, 2, 32, 1, 1), {1: Scheme.W4G32})
    assert ("registration", "torchao.dequantize_affine.default") in refusals(program)


def test_weights_in_groups_are_wrong_in_the_second_batch() -> None:
    """139.6 dB in the first batch, 0 dB or NaN in the second."""
    found = refusals(lowered(made(One, 2, 4, 64), {1: Scheme.W4G32}))
    assert found == [("batched-rows", "et_vk.linear_q4gsw.default")]


def test_dynamic_activations_are_refused_with_two_batches() -> None:
    """Fails at load."""
    found = refusals(lowered(made(One, 2, 4, 64), {1: Scheme.A8W4G32}))
    assert ("choose-qparams-batch", "torchao.choose_qparams_affine.default") in found


def test_static_int8_is_wrong_in_the_second_batch() -> None:
    """Exact in the first batch, -6.7 dB in the second."""
    found = refusals(lowered(made(One, 2, 4, 64), {1: Scheme.STATIC8}))
    assert found == [("batched-rows", "et_vk.q8ta_linear.default")]


def test_a_static_layer_before_one_with_quantised_weights_hands_it_integers() -> None:
    """Aborts: the operator wants floats."""
    found = refusals(lowered(mlp(), {1: Scheme.STATIC8, 2: Scheme.W8}))
    assert ("integer-input", "et_vk.linear_q8ta_q8csw.default") in found


@pytest.mark.parametrize("scheme", [Scheme.W4G32, Scheme.A8W4G32])
def test_output_channels_that_are_no_multiple_of_four_do_not_lower_in_groups(scheme: Scheme) -> None:
    with pytest.raises(ModelError, match="ExecuTorch cannot lower it so for Vulkan"):
        lowered(made(lambda: One(32, 10), 4, 32), {1: scheme})


def test_dynamic_activations_are_not_known_to_fail_with_more_rows_than_channels() -> None:
    """Wrong without a word before July 2026 (thread 21423): the runtime of the gate has the change that mends it."""
    assert str(judged(lowered(made(One, 80, 64), {1: Scheme.A8W4G32}))) == NOT_KNOWN_TO_FAIL


def bytes_and_volumes(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What earlier releases exported and aborted on: threads 16823, 22320 and 12226."""
    small = x.to(torch.int32).to(torch.uint8)
    volume = F.pad(x.reshape(1, 2, 2, 2, 2), [1] * 6, mode="replicate")
    return torch.cat([x > 0, x > 1], 1), torch.cat([small] * 3, 1), volume


def test_joined_bytes_and_padded_volumes_stay_on_the_cpu() -> None:
    program = lowered(made(lambda: Of(bytes_and_volumes), 2, 8))
    kept = {(one.operator, one.reason.split(" not in")[0]) for one in program.host_operators}
    assert kept == {
        ("aten.cat.default", "input[0][0] dtype torch.bool"),
        ("aten.cat.default", "input[0][0] dtype torch.uint8"),
        ("dim_order_ops._to_dim_order_copy.default", "output dtype torch.uint8"),
        ("aten.index.Tensor", "op does not support high dim tensors"),
    }
    assert str(judged(program)) == NOT_KNOWN_TO_FAIL


def test_a_cross_product_does_not_lower() -> None:
    """Earlier releases delegated a part of it, which was wrong: thread 12230."""
    with pytest.raises(ModelError, match="ExecuTorch cannot lower it so for Vulkan"):
        lowered(made(lambda: Of(lambda x: torch.linalg.cross(x, x + 1)), 4, 3))


@pytest.mark.parametrize(("rows", "half", "refused"), [(16385, False, False), (16385, True, True)])
def test_an_embedding_of_more_rows_than_a_texture_holds_is_wrong_on_textures(
    rows: int, half: bool, refused: bool
) -> None:
    """In single precision ExecuTorch chooses buffers for this one."""
    found = refusals(lowered(made(lambda: Lookup(rows), 2, 3), half=half))
    assert (("embedding-rows", "aten.embedding.default") in found) == refused


@pytest.mark.parametrize("half", [False, True])
def test_weights_of_8_bits_for_each_channel_have_shaders_in_single_precision_only(half: bool) -> None:
    """In half precision it aborts at load."""
    program = lowered(one(), {1: Scheme.W8}, quantised_passes=QCS8W, half=half)
    assert refusals(program) == ([("shader-variants", "aten._weight_int8pack_mm.default")] if half else [])


def test_the_plain_kernel_for_weights_of_8_bits_has_shaders_in_half_precision() -> None:
    """Output channels that are no multiple of 4 take another kernel."""
    program = lowered(made(lambda: One(64, 18), 4, 64), {1: Scheme.W8}, quantised_passes=QCS8W, half=True)
    assert not refusals(program)


@pytest.mark.parametrize(
    ("rows", "columns", "half", "rule"),
    [
        (16, 24, False, None),  # 130 dB
        (16, 20, False, "qcs4w-columns"),  # 0.2 dB
        (16, 28, False, "qcs4w-columns"),  # 4.1 dB
        (16, 18, False, "qcs4w-columns"),  # aborts at load
        (1, 24, False, "shader-variants"),  # aborts at load
        (16, 24, True, "shader-variants"),  # aborts at load
    ],
)
def test_weights_of_4_bits_for_each_channel_run_in_few_shapes(
    rows: int, columns: int, half: bool, rule: str | None
) -> None:
    model = made(lambda: One(64, columns), rows, 64)
    found = refusals(lowered(model, {1: Scheme.W4}, quantised_passes=QCS4W, half=half))
    assert found == ([(rule, "et_vk.linear_qcs4w.default")] if rule else [])


def test_weights_for_each_channel_are_right_in_the_second_batch() -> None:
    """They are flattened first."""
    program = lowered(made(One, 2, 4, 64), {1: Scheme.W4}, quantised_passes=QCS4W)
    assert str(judged(program)) == NOT_KNOWN_TO_FAIL


@pytest.mark.parametrize(("net", "shape"), [(Columns, (1, 64, 16)), (Normed, (1, 16, 64))])
def test_weights_for_each_channel_behind_a_transpose_or_a_norm_load_where_the_pass_fuses_them(
    net: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    """ExecuTorch's own fusion misses the first, which then aborts at load, and did not lower the second."""
    assert str(judged(lowered(made(net, *shape), {1: Scheme.W8}, quantised_passes=QCS8W))) == NOT_KNOWN_TO_FAIL


def test_weights_for_each_channel_behind_a_transpose_that_nothing_fuses_are_refused() -> None:
    found = refusals(lowered(made(Columns, 1, 64, 16), {1: Scheme.W8}))
    assert ("registration", "quantized_decomposed.dequantize_per_channel.default") in found


def lowered_as_quantised(config: QuantizationConfig) -> Lowered:
    """A linear layer that comes quantised, as `VulkanQuantizer` does it."""
    inputs = (torch.ones(16, 64),)
    prepared = prepare_pt2e(torch.export.export(One(), inputs).module(), VulkanQuantizer().set_global(config))
    prepared(*inputs)
    model = export(SourceModel(convert_pt2e(prepared), inputs, [inputs], "quantised"))
    return lower(model, VulkanTarget(), Settings(schemes={}), [inputs])


def test_dynamic_int8_of_executorchs_quantiser_is_refused() -> None:
    """Aborts at load: nothing fuses it, and the runtime has no dequantize_per_channel. It has one scale for all rows,
    which is lossy (thread 22431)."""
    found = refusals(lowered_as_quantised(get_symmetric_quantization_config(is_dynamic=True, weight_bits=8)))
    assert ("registration", "quantized_decomposed.dequantize_per_channel.default") in found


def test_weights_with_one_scale_do_not_lower() -> None:
    config = get_symmetric_quantization_config(weight_bits=8)
    weight = replace(
        config.weight,
        qscheme=torch.per_tensor_symmetric,
        ch_axis=None,
        observer_or_fake_quant_ctr=MinMaxObserver.with_args(eps=2**-12),
    )
    with pytest.raises(ModelError, match="ExecuTorch cannot lower it so for Vulkan"):
        lowered_as_quantised(replace(config, weight=weight))


def test_dynamic_activations_have_a_scale_for_each_row() -> None:
    """Thread 22431: with one scale for all rows, the small ones are lost."""
    model = made(lambda: One(bias=False), 16, 64)
    rows = torch.logspace(-2, 2, 16)[:, None] * torch.randn(16, 64, generator=torch.Generator().manual_seed(2))
    (given,) = run_lowered(lowered(model, {1: Scheme.A8W4G32}), (rows,))
    (weights_alone,) = run_lowered(lowered(model, {1: Scheme.W4G32}), (rows,))
    assert min(sqnr_db([one], [other]) for one, other in zip(weights_alone, given, strict=True)) > 35


def test_static_int8_along_a_signal_is_refused_before_it_is_lowered() -> None:
    """ExecuTorch's lowering crashes on it."""
    model = made(lambda: nn.Conv1d(8, 8, 3), 1, 8, 16)
    with pytest.raises(SpaceError, match="is a conv1d, which no int8 operator computes"):
        programs_of(model).built(Recipe.parse("scheme=static-int8@1"))
    with pytest.raises(ModelError, match="ExecuTorch cannot lower it so for Vulkan"):
        lowered(model, {1: Scheme.STATIC8})


def test_linear_layers_on_textures_have_enough_room_for_what_shaders_ask_of_tensors() -> None:
    """Aborted at load before February 2026 (thread 17293): the runtime of the gate has the change that mends it."""
    program = lowered(one())
    (call,) = (call for graph in graphs_of(program) for call in graph.calls)
    assert {tensor.storage for tensor in (call.tensors[0], *call.results)} == {TEXTURE_3D}
    assert str(judged(program)) == NOT_KNOWN_TO_FAIL


def integers(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What had no shaders: thread 13503."""
    small = x.to(torch.int32)
    return small.abs().to(torch.float32), torch.full((2, 8), 3, dtype=torch.int32) + small


def test_absolute_values_of_integers_stay_on_the_cpu_and_constants_of_integers_have_a_shader() -> None:
    """200 dB both."""
    program = lowered(made(lambda: Of(integers), 2, 8))
    assert [one.operator for one in program.host_operators] == ["aten.abs.default"]
    assert "aten.full.default" in [call.name for graph in graphs_of(program) for call in graph.calls]
    assert str(judged(program)) == NOT_KNOWN_TO_FAIL


def test_a_table_beside_rotary_embeddings_is_looked_up_in_buffers() -> None:
    """Textures take a table of one dimension alone (thread 21876). 200 dB."""
    program = lowered(made(Turned, 1, 5, 3, 32))
    found = [call for graph in graphs_of(program) for call in graph.calls if call.name == "aten.index.Tensor"]
    assert [call.tensors[0].storage for call in found] == [BUFFER, BUFFER]
    assert "where a place is below zero" in str(judged(program)), "nothing says that the positions are not"
