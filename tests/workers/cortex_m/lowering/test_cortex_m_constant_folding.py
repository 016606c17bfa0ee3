"""Values that depend on no input are constants of the file, and nothing else is."""

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.price import price
from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.lowering.unused_constants import without_unused_constants
from workers.cortex_m.lowering.write import written
from workers.cortex_m.passes.base import Program
from workers.cortex_m.passes.lowered.constant_folding import ConstantFolding
from workers.cortex_m.target import Target

M55 = Target.parse("cortex-m55")
ROWS = tuple(torch.randn((1, 8), generator=torch.Generator().manual_seed(seed)) for seed in range(2))


class Mirrored(nn.Module):
    """Reads a row to its end and back, by indices that it computes from its length, as padding by reflection does."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = 7 - torch.abs(7 - torch.abs(torch.arange(12)))
        mirrored: torch.Tensor = self.layer(x[:, places])
        return mirrored


class Shifted(nn.Module):
    """Adds a function of a buffer, and one number."""

    def __init__(self, changes: bool) -> None:
        super().__init__()
        self.register_buffer("shift", torch.ones(1, 8))
        self.changes = changes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.changes:
            self.shift.add_(x)
        return x + torch.exp(self.shift) + torch.full((1, 8), 0.25)


def lowering_of(model: nn.Module) -> Lowering:
    torch.manual_seed(0)
    return Lowering(to_edge(quantise(model.eval(), ROWS[:1])), M55)


def operators(program: ExportedProgram) -> list[str]:
    return [one.operator for one in operator_calls(program)]


def test_indices_are_computed_once() -> None:
    lowering = lowering_of(Mirrored())
    rewrites = lowering.in_order((ConstantFolding(),))
    before, after = lowering.lowered(()), lowering.lowered(rewrites)
    gone = [one for one in operators(before) if one not in operators(after)]
    assert {"arange", "abs", "sub"} <= {*gone}
    assert operators(after).count("index") == 1
    assert all(same_bits(outputs_of(after, (one,)), outputs_of(before, (one,))).equal for one in ROWS)
    costs = [price(operator_calls(one), M55) for one in (before, after)]
    assert costs[1].instructions < costs[0].instructions
    assert lowering.sites(rewrites, ConstantFolding()) == []  # the index reads an input
    # Twelve indices of eight bytes in place of two numbers and six operators.
    files = [written(without_unused_constants(one)) for one in (before, after)]
    assert files[1].planned_sram < files[0].planned_sram
    assert len(files[1].content) < len(files[0].content) + 12 * 8


@pytest.mark.parametrize(("changes", "sites"), [(False, ["aten_exp_default"]), (True, [])])
def test_what_the_program_changes_is_no_constant_and_a_fill_stays(changes: bool, sites: list[str]) -> None:
    edge = to_edge(torch.export.export(Shifted(changes), ROWS[:1]))
    assert bool(edge.graph_signature.buffers_to_mutate) is changes
    assert any(operator_of(node) == "full" for node in edge.graph.nodes)
    assert [
        node.name for node in ConstantFolding().sites(Program(edge.graph_module, edge, None, M55.instruction_set))
    ] == sites
