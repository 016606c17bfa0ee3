"""A linear layer that stays in float: the runtime has no kernel of it, and `addmm` computes the same."""

from functools import cache

import torch
from torch import nn

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
    outputs = [one.module(check_guards=False)(*INPUTS) for one in (before, after)]
    assert all(torch.equal(one, other) for one, other in zip(*outputs, strict=True))
    one_of_two = lowering().lowered(lowering().in_order((LinearToAddmm(at="2"),)))
    assert len(list(registered_kernels.check(one_of_two))) == 1


def test_all_operators_of_the_cell_have_a_cost() -> None:
    for cpu in ("cortex-m55", "cortex-m4"):
        calls = operator_calls(lowering().lowered(lowering().in_order((LinearToAddmm(),))))
        cost = price(calls, Target.parse(cpu))
        assert cost.uncosted == ()
        # 32 sums of eight products each, twice, take some 300 instructions a sum alone.
        assert cost.instructions > 2 * 32 * 300
