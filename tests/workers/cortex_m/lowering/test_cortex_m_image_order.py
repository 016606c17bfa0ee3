"""Images that are channels_last for the caller: nothing is moved, and the file's inputs and outputs lie as theirs."""

from functools import cache

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.price import price
from workers.cortex_m.cost.view import operator_calls, output_shapes
from workers.cortex_m.guards.all import verdicts
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.image_order import ImageOrder
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.lowering.write import written
from workers.cortex_m.target import Target


class TwoUses(nn.Module):
    """An image that a convolution and a sum in float read, and a row of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 1)

    def forward(self, image: torch.Tensor, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.last(torch.relu(self.first(image))) + image, row + 1


IMAGE = torch.randn((1, 3, 6, 8), generator=torch.Generator().manual_seed(0)).to(memory_format=torch.channels_last)
ROW = torch.arange(5.0)


@cache
def lowered(inside: bool) -> ExportedProgram:
    """The net as the caller has it, or, `inside`, on contiguous images (N, H, W, C)."""
    torch.manual_seed(0)
    model = TwoUses().eval()
    order = ImageOrder.of(model, (IMAGE, ROW))
    assert order == ImageOrder((True, False), (True, False))
    quantised = quantise(order.model(model), order.inside((IMAGE, ROW)))
    program = Lowering(to_edge(quantised), Target.parse("cortex-m55")).lowered(())
    return program if inside else order.outside(program)


def test_images_are_those_of_the_caller_and_have_the_same_values() -> None:
    outside, inside = (lowered(inside).module(check_guards=False) for inside in (False, True))
    image, row = outside(IMAGE, ROW)
    expected, other = inside(IMAGE.permute(0, 2, 3, 1).contiguous(), ROW)
    assert image.shape == IMAGE.shape and tuple(image.dim_order()) == (0, 2, 3, 1)
    assert torch.equal(image, expected.permute(0, 3, 1, 2)) and torch.equal(row, other)


def test_views_of_images_are_no_instructions_of_the_file() -> None:
    from executorch.exir._serialize._program import deserialize_pte_binary

    calls = operator_calls(lowered(inside=False))
    assert [one.operator for one in calls] == [one.operator for one in operator_calls(lowered(inside=True))]
    assert "transpose" not in [one.operator for one in calls]
    (plan,) = deserialize_pte_binary(written(lowered(inside=False)).content).program.execution_plan
    assert len(plan.chains[0].instructions) == len(calls)
    image, result = (plan.values[at].val for at in (plan.inputs[0], plan.outputs[0]))
    for one in (image, result):
        assert (list(one.sizes), list(one.dim_order)) == ([1, 3, 6, 8], [0, 2, 3, 1])
    found = verdicts(lowered(inside=False), Target.parse("cortex-m55"), [(1, 3, 6, 8), (5,)])
    assert [one for one in found if one.severity is not Severity.FLOAT] == []


class Reshaped(nn.Module):
    """Views at both ends of a convolution: of an image that comes in, and one that goes out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        rows = image.permute(0, 2, 3, 1).reshape(1, 4, 12, 4).permute(0, 3, 1, 2)
        return self.conv(rows).permute(0, 2, 3, 1).reshape(1, 6, 8, 4).permute(0, 3, 1, 2)


def test_views_of_views_are_no_instructions_either() -> None:
    from executorch.exir._serialize._program import deserialize_pte_binary

    torch.manual_seed(0)
    model, image = Reshaped().eval(), torch.randn(1, 4, 6, 8).to(memory_format=torch.channels_last)
    order = ImageOrder.of(model, (image,))
    quantised = quantise(order.model(model), order.inside((image,)))
    program = order.outside(Lowering(to_edge(quantised), Target.parse("cortex-m55")).lowered(()))
    (plan,) = deserialize_pte_binary(written(program).content).program.execution_plan
    assert sorted(one.name for one in plan.operators) == [
        "cortex_m::dequantize_per_tensor", "cortex_m::quantize_per_tensor", "cortex_m::quantized_conv2d_nhwc",
    ]  # fmt: skip


def test_contiguous_images_are_left_alone() -> None:
    model = TwoUses().eval()
    order = ImageOrder.of(model, (IMAGE.contiguous(), ROW))
    assert order.model(model) is model and order.inside((IMAGE, ROW)) == (IMAGE, ROW)
    assert order.outside(lowered(inside=True)) is lowered(inside=True)


@pytest.mark.parametrize("cpu", ["cortex-m55", "cortex-m4"])
def test_the_default_pipeline_takes_no_fewer_instructions(cpu: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3, stride=2)).eval()
    order, target = ImageOrder.of(model, (IMAGE,)), Target.parse(cpu)
    explicit = Lowering(to_edge(quantise(order.model(model), order.inside((IMAGE,)))), target).lowered(())
    last = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    legacy = Lowering(to_edge(quantise(last, (IMAGE,), explicit_layout=False)), target, explicit_layout=False)
    ours, theirs = (price(operator_calls(one), target) for one in (order.outside(explicit), legacy.lowered(())))
    assert not ours.uncosted and not theirs.uncosted
    assert ours.instructions <= theirs.instructions


class StreamingImages(nn.Module):
    """Keeps the last image, and gives its result twice."""

    past: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(6, 3, 1)
        self.register_buffer("past", torch.zeros(1, 3, 4, 5))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        given = self.last(torch.cat((self.past, image), 1))
        self.past.copy_(image)
        return given, given


def test_a_streaming_model_starts_as_it_did_and_gives_one_result_twice() -> None:
    torch.manual_seed(0)
    model, image = StreamingImages().eval(), IMAGE[:, :, :4, :5].contiguous(memory_format=torch.channels_last)
    order = ImageOrder.of(model, (image,))
    samples = [order.inside((one,)) for one in (image, image + 1)]
    quantised = quantise(order.model(model), order.inside((image,)), samples)
    assert not model.past.any()
    program = order.outside(Lowering(to_edge(quantised), Target.parse("cortex-m55")).lowered(()))
    for _ in range(2):  # each from the start
        first, second = outputs_of(program, (image,))
        assert first.shape == image.shape and torch.equal(first, second)
        wanted, _ = model(image)
        model.past.zero_()
        assert (first - wanted).abs().max() < 0.1 * wanted.abs().max()
    assert output_shapes(program) == [tuple(image.shape)] * 2
