"""Each known way in which a file lowers cleanly and fails on the device, as the smallest program, with its verdict.

What a run on a software Vulkan gave stands beside each: runs of shared facts, not of these tests.
"""

import pytest
import torch
from support.vulkan_nets import Attention, One, lowered, made, mlp, one, rewrite, static_convolutions
from torch import nn

from workers.errors import ModelError
from workers.vulkan.gate.verdict import NOT_KNOWN_TO_FAIL, Verdict, verdict
from workers.vulkan.lowering.graph.vk_graph import read_graph
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.model.scheme import Scheme

QCS8W, QCS4W = (rewrite("fuse-linear-qcs8w"),), (rewrite("fuse-linear-qcs4w"),)


class Flattened(nn.Module):
    """A linear layer behind a flatten of one pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.flatten(x.relu(), 1))


class Softmax(nn.Module):
    """A softmax along rows."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x, -1)


class Joined(nn.Module):
    """Booleans that are joined."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x > 0, x > 1], 1)


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


def test_output_channels_that_are_no_multiple_of_four_do_not_lower_in_groups() -> None:
    with pytest.raises(ModelError, match="ExecuTorch cannot lower it so for Vulkan"):
        lowered(made(lambda: One(32, 10), 4, 32), {1: Scheme.W4G32})


@pytest.mark.parametrize(("rows", "suspect"), [(8, []), (9, ["partial-groups"])])
def test_softmax_with_rows_that_are_no_multiple_of_four_is_suspect_and_not_refused(
    rows: int, suspect: list[str]
) -> None:
    """9 rows: 9 dB on lavapipe."""
    found = judged(lowered(made(Softmax, 1, rows, 12)))
    assert [one.rule.name for one in found.suspect] == suspect
    assert not found.refused


def test_joined_booleans_have_no_shader_and_stay_on_the_cpu() -> None:
    """Exported and aborted with earlier releases."""
    program = lowered(made(Joined, 2, 8))
    assert [one.operator for one in program.host_operators] == ["aten.cat.default"]
    assert "torch.bool not in" in program.host_operators[0].reason
    assert str(judged(program)) == NOT_KNOWN_TO_FAIL


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
