"""Operators that are changed before a model is quantised: paddings by name, and adaptive maximum pools."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from workers.cortex_m.check.compare import output_steps, within_one_step
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.preparation.prepared import prepare
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.target import Target

Function = Callable[[torch.Tensor], Any]


class Does(nn.Module):
    """A function of a value."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


def is_unchanged(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> set[Any]:
    """Operators of a model that is prepared, whose values have to be those of the model."""
    with torch.no_grad():
        wanted = model(*inputs)
    exported = torch.export.export(model.eval(), inputs).module(check_guards=False)
    prepare(exported)
    torch.testing.assert_close(exported(*inputs), wanted)
    return {node.target for node in exported.graph.nodes if node.op == "call_function"}


@settings(max_examples=40)
@given(
    rows=st.booleans(),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 4)),
    dilation=st.integers(1, 2),
    name=st.sampled_from(["same", "valid"]),
    stride=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
)
def test_a_padding_by_name_is_one_by_number(
    rows: bool, kernel: tuple[int, int], dilation: int, name: str, stride: int, groups: int
) -> None:
    options: dict[str, Any] = {"padding": name, "dilation": dilation, "groups": groups, "bias": groups == 1}
    options["stride"] = stride if name == "valid" else 1  # PyTorch has no other with `same`
    layer = nn.Conv1d(4, 6, kernel[0], **options) if rows else nn.Conv2d(4, 6, kernel, **options)
    kinds = is_unchanged(layer, (torch.randn((1, 4, 11) if rows else (1, 4, 11, 10)),))
    assert kinds <= {
        torch.ops.aten.conv1d.default, torch.ops.aten.conv2d.default, torch.ops.aten.constant_pad_nd.default,
    }  # fmt: skip


@settings(max_examples=40)
@given(
    windows=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    counts=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    rows=st.booleans(),
)
def test_an_adaptive_pool_is_one_over_windows_of_one_size(
    windows: tuple[int, int], counts: tuple[int, int], rows: bool
) -> None:
    high, wide = (window * count for window, count in zip(windows, counts, strict=True))
    if rows:
        kinds = is_unchanged(Does(lambda x: functional.adaptive_max_pool1d(x, counts[1])), (torch.randn(2, 3, wide),))
    else:
        kinds = is_unchanged(
            Does(lambda x: functional.adaptive_max_pool2d(x, counts)), (torch.randn(2, 3, high, wide),)
        )
    assert torch.ops.aten.max_pool2d.default in kinds
    assert not {one for one in kinds if "adaptive" in str(one)}


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: functional.adaptive_max_pool2d(x, 4), (2, 3, 6, 5)),
        (lambda x: functional.adaptive_max_pool2d(x, 1), (3, 6, 5)),
        (lambda x: functional.adaptive_max_pool2d(x, 1, return_indices=True), (2, 3, 6, 5)),
    ],
    ids=["windows differ", "without a batch", "with places"],
)
def test_other_adaptive_pools_stay(function: Function, shape: tuple[int, ...]) -> None:
    assert torch.ops.aten.adaptive_max_pool2d.default in is_unchanged(Does(function), (torch.randn(shape),))


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "same": (lambda: nn.Conv2d(4, 5, (4, 3), padding="same"), (1, 4, 8, 8), "quantized_conv2d_nhwc"),
    "same rows": (lambda: nn.Conv1d(4, 5, 4, padding="same"), (1, 4, 9), "quantized_conv2d_nhwc"),
    "maximum": (lambda: nn.AdaptiveMaxPool2d(1), (1, 4, 6, 5), "quantized_max_pool2d_nhwc"),
    "maximum of rows": (lambda: nn.AdaptiveMaxPool1d(1), (1, 4, 9), "quantized_max_pool2d_nhwc"),
}


@pytest.mark.parametrize(("make", "shape", "kind"), LAYERS.values(), ids=LAYERS)
def test_they_become_kernels(make: Callable[[], nn.Module], shape: tuple[int, ...], kind: str) -> None:
    torch.manual_seed(0)
    first = nn.Conv2d(4, 4, 1) if len(shape) == 4 else nn.Conv1d(4, 4, 1)
    inputs = (torch.randn(shape),)
    quantised = quantise(
        nn.Sequential(first, nn.BatchNorm1d(4) if len(shape) == 3 else nn.ReLU(), make()).eval(), inputs
    )
    program = Lowering(to_edge(quantised), Target.parse("cortex-m4")).lowered(())
    kinds = [one.operator for one in operator_calls(program)]
    assert kind in kinds
    assert kinds.count("quantize_per_tensor") == kinds.count("dequantize_per_tensor") == 1
    found, wanted = outputs_of(program, inputs), outputs_of(quantised, inputs)
    assert within_one_step(found, wanted, output_steps(program)).equal
