"""The contract of passes finds what is wrong with a pass."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Graph, constant
from search_space.passes.base import Pass
from velatune.testing import PassContract, Program


@dataclass(frozen=True)
class Bad(Pass):
    name: ClassVar[str] = "bad"
    law: ClassVar[str] = "it keeps none"


class ChangesValues(Bad):
    """All constants become zeros."""

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "ADD" or edit[node.inputs[1]].op != CONST or not edit[node.inputs[1]].array.any():
            return False
        old = edit[node.inputs[1]]
        zeros = edit.add(constant(np.zeros_like(old.array), old.type.dtype))
        edit.redefine(node_id, replace(node, inputs=(node.inputs[0], zeros)))
        return True


class RoundsOtherwise(ChangesValues):
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING


class Endless(Bad):
    def rewrite(self, edit: Editor, node_id: int) -> bool:
        edit.redefine(node_id, edit[node_id])
        return True


class WithoutSites(Bad):
    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return False


class IllFormed(Bad):
    """An attribute goes away."""

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if not node.attributes or node.op == "MOVE":
            return False
        edit.redefine(node_id, replace(node, attributes={}))
        return True


class ByIds(Bad):
    """Operands are put into the order of their ids."""

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "ADD" or node.inputs[0] <= node.inputs[1]:
            return False
        edit.redefine(node_id, replace(node, inputs=node.inputs[::-1]))
        return True


def program() -> Graph:
    """The sum of two inputs and a constant, or 0 where it is negative."""
    p = Program()
    first, second = p.input(2, 3, dtype="INT32"), p.input(2, 3, dtype="INT32")
    total = p.op("ADD", (p.op("ADD", (first, second), (2, 3)), p.data([[5, 6, 7]], "INT32")), (2, 3))
    return p.graph(p.op("MAXIMUM", (total, p.data([[0]], "INT32")), (2, 3), nan_mode="PROPAGATE"))


def contract(one: type[Pass]) -> PassContract:
    made: PassContract = type("Contract", (PassContract,), {"a_pass": one(), "programs": st.just(program())})()
    return made


@pytest.mark.parametrize(
    ("one", "test"),
    [
        (ChangesValues, "test_every_value_is_kept_and_nothing_is_left_to_do"),
        (IllFormed, "test_every_value_is_kept_and_nothing_is_left_to_do"),
        (Endless, "test_it_comes_to_an_end"),
        (WithoutSites, "test_many_programs_have_a_site"),
        (ByIds, "test_equal_graphs_have_equal_successors"),
    ],
)
def test_a_bad_pass_fails(one: type[Pass], test: str) -> None:
    with pytest.raises((AssertionError, SpaceError)):
        getattr(contract(one), test)()


def test_other_values_are_no_fault_of_what_rounds_otherwise() -> None:
    contract(RoundsOtherwise).test_every_value_is_kept_and_nothing_is_left_to_do()
