"""What rewrites of edge programs ask about a program."""

from __future__ import annotations

import torch

from workers.ethos_u.lowering.frontend.edge import is_constant


class Counting(torch.nn.Module):
    count: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.register_buffer("offset", torch.ones(1))
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count.add_(1)
        return self.scale * x + self.offset + self.count


def test_a_buffer_that_a_program_changes_is_no_constant() -> None:
    from executorch.exir import to_edge

    program = to_edge(torch.export.export(Counting(), (torch.ones(2),))).exported_program()
    read = {node.name: is_constant(program, node) for node in program.graph.find_nodes(op="placeholder")}
    expected = {"p_scale": True, "b_offset": True, "b_count": False, "x": False}
    assert {name: read[name] for name in expected} == expected
