"""Numbers where ExecuTorch's runtime expects a list: it aborts, so they become lists."""

import pytest
import torch
from torch import nn

from workers.cortex_m.guards.values import listed_numbers
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.target import Target

M4 = Target.parse("cortex-m4")


class Largest(nn.Module):
    """The largest value along an axis, as people take it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).max(1).values


@pytest.mark.parametrize(("explicit_layout", "faults"), [(False, 1), (True, 0)])
def test_the_axis_of_a_maximum_is_a_list(explicit_layout: bool, faults: int) -> None:
    edge = to_edge(quantise(Largest().eval(), (torch.randn(1, 3, 4),), explicit_layout=explicit_layout))
    program = Lowering(edge, M4, explicit_layout=explicit_layout).lowered(())
    (axes,) = (node.args[1] for node in program.graph.nodes if "amax" in node.name)
    assert axes == ([1] if explicit_layout else 1)
    found = list(listed_numbers.check(program))
    assert len(found) == faults
    assert all("dim is a number, and the runtime aborts" in one.message for one in found)
