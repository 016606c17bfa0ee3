"""Comparisons of quantised values with a number, and fills: lowering leaves the number, and a pass mends it."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from workers.cortex_m.check.compare import output_steps, within_one_step
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.guards.values import unquantised_numbers
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.passes.lowered.mends.quantise_numbers import QuantiseNumbers
from workers.cortex_m.target import Target


class Chosen(nn.Module):
    """Sums of values, or fractions of them where a condition on the values does not hold. Both are off by one step at
    most, and the condition by none."""

    def __init__(self, condition: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.condition = condition

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(self.condition(x), x + x, x * 0.25)


@pytest.mark.parametrize(
    ("condition", "low", "found"),
    [
        (lambda x: x > 0, -1.0, [Severity.WRONG]),
        (lambda x: x <= 0.5, 0.0, [Severity.WRONG]),
        (lambda x: x < 1.0, -0.5, [Severity.WRONG]),
        (lambda x: x >= -9.0, -1.0, [Severity.WRONG]),
        (lambda x: x == 0.0, -0.5, [Severity.WRONG]),
        (lambda x: x != 0.3, -0.5, []),
        (lambda x: x > torch.zeros_like(x), -1.0, [Severity.WRONG]),
        (lambda x: x > x.flip(1), -1.0, []),
    ],
    ids=["above", "at most", "below", "all", "equal", "unequal to all", "above zeros", "above another value"],
)
def test_the_guard_says_what_the_quantised_model_says_and_the_pass_mends_it(
    condition: Callable[[torch.Tensor], torch.Tensor], low: float, found: list[Severity]
) -> None:
    inputs = (torch.linspace(low, 2.0, 1000).reshape(1, 1000),)
    quantised = quantise(Chosen(condition).eval(), inputs)
    lowering = Lowering(to_edge(quantised), Target.parse("cortex-m4"))
    program, mends = lowering.lowered(()), lowering.in_order([QuantiseNumbers()])
    assert [verdict.severity for verdict in unquantised_numbers.check(program)] == found
    wanted, steps = outputs_of(quantised, inputs), output_steps(program)
    outcome = within_one_step(outputs_of(program, inputs), wanted, steps)
    assert outcome.equal is (not found), outcome
    assert bool(mends) is bool(found)
    mended = lowering.lowered(mends)
    assert not list(unquantised_numbers.check(mended))
    outcome = within_one_step(outputs_of(mended, inputs), wanted, steps)
    assert outcome.equal, outcome
