"""Transposed convolutions that ExecuTorch's quantiser does not know: they are quantised as ones that it knows."""

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from workers.cortex_m.check.compare import output_steps, same_bits, within_one_step
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.guards import convolution_kinds
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.preparation.transposed_convolutions import known_transposed_convolutions
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.passes.lowered.mends.crop_transposed_rows import CropTransposedRows
from workers.cortex_m.target import Target

KERNEL = "quantized_transpose_conv2d_nhwc"


def layers(rows: bool, behind: str, **options: Any) -> nn.Module:
    """A transposed convolution, and what is often behind one."""
    layer, norm = (nn.ConvTranspose1d, nn.BatchNorm1d) if rows else (nn.ConvTranspose2d, nn.BatchNorm2d)
    normed = norm(4)
    with torch.no_grad():
        normed.running_mean.uniform_(-1, 1)  # type: ignore[union-attr]
        normed.weight.uniform_(0.5, 2)
    others = {"nothing": [], "activation": [nn.ReLU6()], "norm": [normed, nn.ReLU()]}
    return nn.Sequential(layer(4, 4, **options), *others[behind]).eval()


@st.composite
def options(draw: st.DrawFn) -> dict[str, int]:
    kernel, stride, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    padding, more = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    assume(more < max(stride, dilation) and padding <= (kernel - 1) * dilation)
    return {
        "kernel_size": kernel, "stride": stride, "dilation": dilation, "padding": padding, "output_padding": more,
        "groups": draw(st.sampled_from([1, 2, 4])),
    }  # fmt: skip


@settings(max_examples=60)
@given(given=options(), rows=st.booleans(), behind=st.sampled_from(["nothing", "activation", "norm"]))
def test_the_rewritten_model_gives_the_same_values(given: dict[str, int], rows: bool, behind: str) -> None:
    torch.manual_seed(0)
    model = layers(rows, behind, **given)
    inputs = (torch.randn((2, 4, 5) if rows else (2, 4, 4, 5)),)
    with torch.no_grad():
        wanted = model(*inputs)
    exported = torch.export.export(model, inputs).module(check_guards=False)
    known_transposed_convolutions(exported)
    found = exported(*inputs)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted)
    assert torch.ops.aten.conv_transpose1d.default not in {node.target for node in exported.graph.nodes}
    # No weights stay behind that nothing reads.
    read = {node.target for node in exported.graph.nodes if node.op == "get_attr"}
    assert {name for name, _ in exported.named_parameters()} <= read


@settings(max_examples=15)
@given(given=options(), rows=st.booleans(), behind=st.sampled_from(["nothing", "activation", "norm"]))
def test_it_becomes_the_kernel_and_is_mended_where_the_kernel_is_wrong(
    given: dict[str, int], rows: bool, behind: str
) -> None:
    torch.manual_seed(0)
    inputs = (torch.randn((1, 4, 5) if rows else (1, 4, 4, 5)),)
    quantised = quantise(layers(rows, behind, **given), inputs)
    lowering = Lowering(to_edge(quantised), Target.parse("cortex-m4"))
    program, mended = (lowering.lowered(lowering.in_order(taken)) for taken in ((), [CropTransposedRows()]))
    kinds = [one.operator for one in operator_calls(program)]
    assert KERNEL in kinds
    # Only the input and the output are in float.
    assert kinds.count("quantize_per_tensor") == kinds.count("dequantize_per_tensor") == 1
    found = outputs_of(program, inputs)
    assert within_one_step(found, outputs_of(quantised, inputs), output_steps(program)).equal
    # Rows are images of height 1, of which no row is cut off.
    wrong = list(convolution_kinds.check(program))
    assert not (rows and wrong)
    assert not list(convolution_kinds.check(mended))
    assert bool(wrong) == bool(lowering.sites((), CropTransposedRows()))
    assert same_bits(outputs_of(mended, inputs), found).equal


def test_a_padding_of_rows_alone_is_wrong_before_july_2026() -> None:
    # CMSIS-NN #233: columns of a row are complete before it is written.
    for padding, expected in (((1, 0), 1), ((0, 1), 0), ((2, 1), 0)):
        model = nn.ConvTranspose2d(3, 4, 5, stride=2, padding=padding).eval()
        quantised = quantise(model, (torch.randn((1, 3, 4, 5)),))
        program = Lowering(to_edge(quantised), Target.parse("cortex-m4")).lowered(())
        assert len(list(convolution_kinds.check(program))) == expected


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.ConvTranspose1d(33, 33, 3, groups=33), (1, 33, 5)),
        (nn.ConvTranspose1d(4, 4, 3), (4, 5)),
        (nn.ConvTranspose2d(4, 4, 3, stride=2), (1, 4, 5, 5)),
    ],
    ids=["of many groups", "without a batch", "known"],
)
def test_others_stay(layer: nn.Module, shape: tuple[int, ...]) -> None:
    exported = torch.export.export(layer.eval(), (torch.randn(shape),)).module(check_guards=False)
    before = [node.target for node in exported.graph.nodes]
    known_transposed_convolutions(exported)
    assert [node.target for node in exported.graph.nodes] == before
