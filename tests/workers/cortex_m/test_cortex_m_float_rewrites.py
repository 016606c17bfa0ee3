"""Changes of the float model: what it computes stays the same, and more of it is quantised."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from search_space.exactness import Exactness
from search_space.recipe.space import pass_instances
from workers.checking.sqnr import sqnr_db
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.guards.float_operators import float_operators
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.passes.base import FloatRewrite
from workers.cortex_m.passes.float_model.expand_operands import ExpandOperands
from workers.cortex_m.passes.float_model.square_as_product import SquareAsProduct
from workers.cortex_m.target import Target

M4 = Target.parse("cortex-m4")


class Square(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squared: torch.Tensor = self.layer(x) ** 2
        return squared


class SqueezeExcite(nn.Module):
    """As people write it: a scale for each channel, a learnt one, and one in place."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.scale = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 1)
        self.gamma = nn.Parameter(torch.randn(8, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x)
        y = y * torch.nn.functional.hardsigmoid(self.scale(y.mean((2, 3), keepdim=True)))
        y *= self.gamma
        return y


IMAGE = (torch.randn(1, 3, 6, 10, generator=torch.Generator().manual_seed(0)),)

MODELS = {
    SquareAsProduct(): (Square, (torch.randn(1, 8),), "pow"),
    ExpandOperands(): (SqueezeExcite, IMAGE, "mul"),
}

#: One step of rounding in a product may be two steps behind the next one, which scales channels.
ROUNDING_DB = 35


@pytest.mark.parametrize("one", MODELS, ids=str)
def test_what_stayed_in_float_is_quantised(one: FloatRewrite) -> None:
    kind, inputs, name = MODELS[one]
    torch.manual_seed(0)
    model = kind().eval()
    stock = Lowering(to_edge(quantise(model, inputs)), M4).lowered(())
    quantised = quantise(model, inputs, rewrite=one.apply)
    program = Lowering(to_edge(quantised), M4).lowered(())
    assert name in {call.operator for call in operator_calls(stock)}
    assert float_operators(stock)
    assert not float_operators(program)
    assert sqnr_db(outputs_of(quantised, inputs)[0], outputs_of(program, inputs)[0]) > ROUNDING_DB
    with torch.no_grad():
        assert sqnr_db(model(*inputs), outputs_of(program, inputs)[0]) > 15


def test_the_pixels_of_an_image_are_expanded_with_its_channels_last() -> None:
    # The kernel copies rows of the last axis: eight channels, and not one pixel.
    program = Lowering(to_edge(quantise(SqueezeExcite().eval(), IMAGE, rewrite=ExpandOperands().apply)), M4).lowered(())
    expanded = [tuple(node.meta["val"].shape) for node in program.graph.nodes if "expand_copy" in node.name]
    assert expanded == [(1, 4, 8, 8)] * 2


def test_all_changes_of_the_float_model_are_tried_here() -> None:
    assert {*pass_instances(FloatRewrite, max(Exactness))} == {*MODELS}  # type: ignore[type-abstract]


#: Sums, differences and products with operands of these shapes, and of a number.
SHAPES = st.sampled_from([(2, 3, 4, 5), (1, 3, 1, 1), (2, 1, 4, 5), (3, 1, 1), (5,), (1,), (), (4, 1), (2, 3, 1, 1)])


class Arithmetic(nn.Module):
    """One operator after the other, each with a further operand."""

    def __init__(self, kinds: list[str]) -> None:
        super().__init__()
        self.kinds = kinds

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        value = inputs[0] * 0.5
        for kind, other in zip(self.kinds, inputs[1:], strict=True):
            value = getattr(torch, kind)(other, value)
        return value**2 + value.pow(3)


@given(st.lists(st.tuples(st.sampled_from(["add", "sub", "mul", "div"]), SHAPES), min_size=1, max_size=4), SHAPES)
def test_the_float_model_computes_the_same(
    operators: list[tuple[str, tuple[int, ...]]], first: tuple[int, ...]
) -> None:
    model = Arithmetic([kind for kind, _ in operators])
    inputs = tuple(torch.randn(shape) for shape in (first, *(shape for _, shape in operators)))
    exported = torch.export.export(model, inputs).module(check_guards=False)
    wanted = exported(*inputs)
    for one in MODELS:
        one.apply(exported)
        assert not any(map(one.fits, exported.graph.nodes))
        torch.testing.assert_close(exported(*inputs), wanted, rtol=0, atol=0, equal_nan=True)
    # What is left of broadcasting is division, which int8 kernels round otherwise.
    calls = Counter(node.target for node in exported.graph.nodes)
    assert calls[torch.ops.aten.div.Tensor] == [kind for kind, _ in operators].count("div")
