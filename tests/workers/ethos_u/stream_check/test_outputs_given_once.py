"""Vela may give out once what a program gives out twice. That is no difference; an output that is lost is one."""

import pytest
from support.values.executed import compiled, inputs_for, verdict

from velatune.testing.program import Program

ACCELERATORS = ["ethos-u55-128", "ethos-u85-256"]
SWAPPED = (0, 2, 1, 3)


def there_and_back(p: Program) -> tuple[int, int, int]:
    """A value, what it is with height and width exchanged, and what it is after both have been exchanged back."""
    value = p.table(p.input(1, 4, 6, 8))
    swapped = p.transpose(value, *SWAPPED)
    return value, swapped, p.transpose(swapped, *SWAPPED)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_a_value_and_itself_behind_movements_that_cancel(accelerator: str) -> None:
    p = Program()
    value, _, back = there_and_back(p)
    pooled = p.max_pool(p.input(1, 4, 4, 8), 2)
    graph = p.graph(back, value, pooled, pooled)
    program = compiled(graph, accelerator)
    assert len(program.outputs) < len(graph.outputs)
    assert verdict(graph, program, inputs_for(graph)).equal


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_an_output_that_is_lost(accelerator: str) -> None:
    p = Program()
    value, swapped, back = there_and_back(p)
    for outputs in ((swapped, back), (back, swapped, value), (value, back, swapped, swapped)):
        graph = p.graph(*outputs)
        program = compiled(graph, accelerator)
        assert len(program.outputs) < len(graph.outputs)
        assert not verdict(graph, program, inputs_for(graph)).equal
