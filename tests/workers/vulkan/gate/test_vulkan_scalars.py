"""Values without dimensions, and constants that a delegate hands on: what is refused, and what mends it."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.vulkan_nets import made, programs_of
from torch import nn

from search_space.recipe.recipe import Recipe
from workers.vulkan.passes.forms.give_scalars_a_dimension import GiveScalarsADimension

OPERATORS: list[Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = [
    lambda x, y: x + y,
    lambda x, y: x - 2 * y,
    lambda x, y: 1 - x / y,
    torch.minimum,
    lambda x, y: torch.where(x >= y, x, y),
]


class Normalised(nn.Module):
    """A vector by its length."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (x.norm() + 1e-3)


class Written(nn.Module):
    """A copy with another first column. ExecuTorch makes a delegate of the number alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[:, 0] = 0.5
        return x


class Of(nn.Module):
    """A function of two numbers."""

    def __init__(self, of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.of = of

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.of(x, y)


@given(of=st.sampled_from(OPERATORS), x=st.floats(-9, 9, width=32), y=st.floats(1, 9, width=32))
@settings(max_examples=20)
def test_a_number_is_a_row_of_one(of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], x: float, y: float) -> None:
    inputs = torch.tensor(x), torch.tensor(y)
    module = torch.export.export(Of(of), inputs).module(check_guards=False)
    assert GiveScalarsADimension().apply(module) > 0
    found = module(*inputs)
    assert found.shape == () and torch.equal(found, of(*inputs))


@pytest.mark.parametrize("of", [torch.add, torch.mul])
def test_values_with_dimensions_are_left(of: Callable[..., torch.Tensor]) -> None:
    module = torch.export.export(Of(of), (torch.ones(2), torch.tensor(3.0))).module(check_guards=False)
    assert GiveScalarsADimension().apply(module) == 0


@pytest.mark.parametrize(
    ("net", "rule", "start"),
    [
        (Normalised, "its operands have no dimensions", "give-scalars-a-dimension"),
        (
            Written,
            "the delegate gives its constant",
            "keep-on-cpu{operator=dim_order_ops._clone_dim_order.default}",
        ),
    ],
)
def test_what_the_runtime_does_not_compute_is_mended_by_what_a_search_begins_with(
    net: type[nn.Module], rule: str, start: str
) -> None:
    programs = programs_of(made(net, 4, 8))
    refused = programs.executed(programs.default, False, False, True)
    assert not refused.equal and rule in refused.reason
    assert start in programs.starting_points()
    mended = programs.built(Recipe.parse(start))
    assert programs.executed(mended, False, False, False).equal
    assert programs.equal(mended, programs.default, whole=True).equal
