"""A copy keeps Vela from compiling an operator in the shape of another reader of its operand or result."""

from __future__ import annotations

import pytest
from support.random.data_movement.copies import TWO_SHAPES
from support.values.executed import is_right

from benchmarks.correctness.miscompilations.shapes.reduced_minimum import MISCOMPILATION as REDUCED_MINIMUM
from benchmarks.correctness.miscompilations.shapes.tensor_shape import MISCOMPILATION as TENSOR_SHAPE
from search_space.choices.data_movement.copy_reshaped_operand import CopyReshapedOperand
from search_space.ir.verifier import verify
from search_space.recipe.seed_recipes import SEED_RECIPES
from velatune.testing import PassContract
from velatune.testing.program import Program

PROGRAMS = {
    f"{one.name} {name}": (one.affected["5.1.0"], program)
    for one in (REDUCED_MINIMUM, TENSOR_SHAPE)
    for name, program in one.programs.items()
}


# Ethos-U55 and U65 do not take the SELECT.
RUN = [
    (name, accelerator)
    for name in PROGRAMS
    for accelerator in ("ethos-u55-128", "ethos-u65-256", "ethos-u85-256")
    if "SELECT" not in name or "u85" in accelerator
]


@pytest.mark.parametrize(("name", "accelerator"), RUN)
def test_the_copy_makes_the_stream_right(name: str, accelerator: str) -> None:
    affected, graph = PROGRAMS[name]
    assert is_right(graph, accelerator) == (accelerator.rpartition("-")[0] not in affected)
    copied = verify(CopyReshapedOperand().apply(graph))
    assert copied is not graph
    assert is_right(copied, accelerator)
    assert CopyReshapedOperand().apply(copied) is copied


def test_what_is_read_in_one_shape_stays() -> None:
    p = Program()
    least = p.op("REDUCE_MIN", (p.table(p.input(4, 6, 5)),), (4, 6, 1), axis=2, nan_mode="PROPAGATE")
    graph = p.graph(p.table(least))
    assert CopyReshapedOperand().apply(graph) is graph


def test_every_search_starts_with_it() -> None:
    assert all(CopyReshapedOperand.name in start.split(",") for start in SEED_RECIPES)


class TestCopyReshapedOperand(PassContract):
    a_pass = CopyReshapedOperand()
    operators = TWO_SHAPES
