"""Accumulators that leave 32 bits where a kernel scales them up."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from workers.cortex_m.guards.values import requantize_overflow
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.target import Target


class Clamped(nn.Module):
    """One layer behind which the range is tiny, and one behind which it is not."""

    def __init__(self, tiny: nn.Module, wide: nn.Module) -> None:
        super().__init__()
        self.tiny, self.wide = tiny, wide
        with torch.no_grad():
            for weight in (tiny.weight, wide.weight):
                weight.mul_(1000)  # type: ignore[operator, union-attr]

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        tiny = nn.functional.hardtanh(self.tiny(x), 0.0, 1e-4)
        return tiny, nn.functional.hardtanh(self.wide(x), 0.0, 1e3)


@pytest.mark.parametrize(
    ("layer", "shape", "cpu"),
    [
        (lambda: nn.Conv2d(4, 4, 3), (1, 4, 6, 6), "cortex-m4"),
        (lambda: nn.Conv2d(8, 8, 3, groups=8), (1, 8, 6, 6), "cortex-m4"),
        (lambda: nn.Linear(36, 4), (2, 36), "cortex-m4"),
        (lambda: nn.Linear(36, 4), (2, 36), "cortex-m55"),  # the biases are in the sums of the weights
    ],
)
def test_a_tiny_range_behind_large_values_overflows(
    layer: Callable[[], nn.Module], shape: tuple[int, ...], cpu: str
) -> None:
    torch.manual_seed(0)
    quantised = quantise(Clamped(layer(), layer()).eval(), (10 * torch.randn(shape),))
    program = Lowering(to_edge(quantised), Target.parse(cpu)).lowered(())
    (found,) = requantize_overflow.check(program)
    layers = [one.name for one in program.graph.nodes if "requantize_shifts" in str(getattr(one.target, "_schema", ""))]
    assert len(layers) == 2 and found.node == layers[0]
    assert found.severity is Severity.WRONG
