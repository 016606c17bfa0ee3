"""A linear layer that stays in float: the runtime has no kernel of it, and `addmm` or `mm` computes the same."""

from functools import cache
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.price import price
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.guards import registered_kernels
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.passes.lowered.mends.linear_to_addmm import LinearToAddmm
from workers.cortex_m.target import Target

INPUTS = tuple(torch.randn((1, 8), generator=torch.Generator().manual_seed(seed)) for seed in range(3))


class Cell(nn.Module):
    """The quantiser passes over the two layers of an LSTM cell."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(8, 8)

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.cell(x, (h, c))  # type: ignore[no-any-return]


class Recurrent(nn.Module):
    """The quantiser passes over all layers of it."""

    def __init__(self, kind: Any, **options: Any) -> None:
        super().__init__()
        self.layers = kind(7, 5, **options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)[0]  # type: ignore[no-any-return]


@cache
def lowering() -> Lowering:
    torch.manual_seed(0)
    return Lowering(to_edge(quantise(Cell().eval(), INPUTS)), Target.parse("cortex-m55"))


def test_a_linear_layer_in_float_fails_on_the_processor() -> None:
    found = list(registered_kernels.check(lowering().lowered(())))
    assert [one.severity for one in found] == 2 * [Severity.FAILS]
    assert all("aten::linear stays in float" in one.message for one in found)


def test_addmm_computes_the_same_and_is_registered() -> None:
    before, after = (lowering().lowered(lowering().in_order(rewrites)) for rewrites in ((), (LinearToAddmm(),)))
    assert not list(registered_kernels.check(after))
    assert same_bits(outputs_of(after, INPUTS), outputs_of(before, INPUTS)).equal
    one_of_two = lowering().lowered(lowering().in_order((LinearToAddmm(at="2"),)))
    assert len(list(registered_kernels.check(one_of_two))) == 1


@pytest.mark.parametrize(
    ("kind", "options", "product"),
    [
        (nn.GRU, {"batch_first": True}, "addmm"),
        (nn.LSTM, {"num_layers": 2}, "addmm"),
        (nn.RNN, {"bidirectional": True}, "addmm"),
        (nn.LSTM, {"bias": False}, "mm"),
        (nn.GRU, {"bias": False, "batch_first": True}, "mm"),
    ],
)
def test_layers_of_sequences_with_or_without_bias_are_mended(kind: Any, options: dict[str, Any], product: str) -> None:
    torch.manual_seed(1)
    inputs = (torch.randn((1, 3, 7)),)
    lowers = Lowering(to_edge(quantise(Recurrent(kind, **options).eval(), inputs)), Target.parse("cortex-m4"))
    before, after = lowers.lowered(()), lowers.lowered(lowers.in_order((LinearToAddmm(),)))
    assert list(registered_kernels.check(before))
    assert not list(registered_kernels.check(after))
    kinds = [one.operator for one in operator_calls(after)]
    assert kinds.count(product) == [one.operator for one in operator_calls(before)].count("linear")
    assert same_bits(outputs_of(after, inputs), outputs_of(before, inputs)).equal


class Linear(nn.Module):
    """A linear layer whose weights are an input, behind an exponential, which the quantiser does not know."""

    def __init__(self, bias: int | None) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(bias)) if bias else None

    def forward(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(torch.exp(x), torch.exp(weight), self.bias)


@settings(max_examples=12)
@given(
    rows=st.lists(st.integers(1, 4), max_size=3),
    depth=st.integers(1, 200),
    outs=st.integers(1, 40),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_products_of_any_shape_are_those_of_the_layer(
    rows: list[int], depth: int, outs: int, bias: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    edge = _edge_of_linear(rows, depth, outs, bias)
    inputs = (torch.randn((*rows, depth)), torch.randn((outs, depth)))
    lowers = Lowering(edge, Target.parse("cortex-m4"))
    before, after = lowers.lowered(()), lowers.lowered(lowers.in_order((LinearToAddmm(),)))
    assert not list(registered_kernels.check(after))
    layer, product = (
        [one.call for one in operator_calls(program) if one.operator in ("linear", "addmm", "mm")]
        for program in (before, after)
    )
    assert layer == product and None not in layer, "a layer is priced as what replaces it"
    found, wanted = outputs_of(after, inputs), outputs_of(before, inputs)
    assert same_bits(found, wanted).equal
    assert prod(found[0].shape) == prod(rows) * outs


def _edge_of_linear(rows: list[int], depth: int, outs: int, bias: bool) -> Any:
    """A layer that is exported as it is, without quantisation."""
    shapes = (torch.randn((*rows, depth)), torch.randn((outs, depth)))
    return to_edge(torch.export.export(Linear(outs if bias else None).eval(), shapes))


def test_all_operators_of_the_cell_have_a_cost() -> None:
    for cpu in ("cortex-m55", "cortex-m4"):
        calls = operator_calls(lowering().lowered(lowering().in_order((LinearToAddmm(),))))
        cost = price(calls, Target.parse(cpu))
        assert cost.uncosted == ()
        # 32 sums of eight products each, twice, take some 300 instructions a sum alone.
        assert cost.instructions > 2 * 32 * 300
