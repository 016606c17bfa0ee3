"""What every pass keeps to, as a class of tests."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
from hypothesis import HealthCheck, Phase, currently_in_test_context, event, given, note, settings
from hypothesis import strategies as st

from search_space.exactness import Exactness
from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move
from search_space.ir.printer import print_graph
from search_space.ir.verifier import problems
from search_space.passes.base import Pass
from search_space.passes.recipe_pass import SITES_BY_PRICE
from search_space.recipe.profitable_sites import applied
from velatune.testing.equal_graphs import CostByHash, renumbered
from velatune.testing.random.graphs import graphs
from velatune.testing.random.kinds import Kind
from velatune.testing.random.movements import MOVEMENTS
from velatune.testing.reference_values import all_values, input_sets, outputs

#: Operators of the smaller programs.
_FEW = 6

# Subclasses share the test functions, which is what Hypothesis calls different executors.
_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors]


def assert_same_program(before: Graph, after: Graph, values: bool = True) -> None:
    """Assert that a rewrite kept a program.

    It must be well-formed and have the same interface. Every id that both programs have must denote the same tensor.

    Args:
        before: the program before the rewrite.
        after: the program after it.
        values: also compare outputs and values, by the TOSA reference model, on random and extreme inputs.
    """
    if currently_in_test_context():
        note(print_graph(before))
        note(print_graph(after))
    assert problems(after) == []
    assert after.inputs == before.inputs
    assert after.next_id >= before.next_id
    for arrays in input_sets(before) if values else ():
        assert outputs(after, arrays) == outputs(before, arrays)
        old, new = all_values(before, arrays), all_values(after, arrays)
        for node_id in old.keys() & new.keys():
            if before[node_id].type == after[node_id].type:
                assert old[node_id] == new[node_id], f"value {node_id}"


class PassContract:
    """The tests that a pass has to pass. Subclass it in a test file, under a name that begins with `Test`.

    Attributes:
        a_pass: the pass under test, with its options.
        operators: what opens sites of the pass; most random programs get some of them.
        programs: the programs that it is tried on; by default random ones with these operators.
        least_share: of these programs, how many must have a site at least.
    """

    a_pass: ClassVar[Pass]
    operators: ClassVar[Kind] = MOVEMENTS
    programs: ClassVar[st.SearchStrategy[Graph] | None] = None
    least_share: ClassVar[float] = 0.15

    def _programs(self) -> st.SearchStrategy[Graph]:
        return graphs(often=self.operators) if self.programs is None else self.programs

    def _small_programs(self) -> st.SearchStrategy[Graph]:
        if self.programs is not None:
            return self.programs
        return st.one_of(graphs(most_operators=_FEW), graphs(most_operators=_FEW, often=self.operators))

    def _assert_kept(self, before: Graph, after: Graph) -> None:
        # What rounds otherwise gives other values: a search measures them.
        assert_same_program(before, after, values=self.a_pass.exactness == Exactness.EXACT)

    def test_many_programs_have_a_site(self) -> None:
        """Else the other tests look at nothing."""
        changed = []

        @settings(
            max_examples=40, phases=[Phase.generate], database=None, derandomize=True, deadline=None,
            suppress_health_check=_CHECKS,
        )  # fmt: skip
        @given(graph=self._programs())
        def count(graph: Graph) -> None:
            changed.append(self.a_pass.apply(graph) is not graph)

        count()
        # Which ones are drawn depends on the modules that are loaded (Hypothesis looks for constants in them).
        assert sum(changed) >= self.least_share * len(changed)

    @settings(max_examples=20, deadline=None, suppress_health_check=_CHECKS)
    @given(data=st.data())
    def test_every_value_is_kept_and_nothing_is_left_to_do(self, data: st.DataObject) -> None:
        """Outputs are equal bit for bit, and the pass has no site in its own result."""
        graph = data.draw(self._programs())
        after = self.a_pass.apply(graph)
        event("changed" if after is not graph else "unchanged")
        if after is graph:
            assert self.a_pass.sites(graph) == ()
            return
        assert after.hash != graph.hash
        assert dict(after.users) == dict(Graph(after.nodes, after.inputs, after.outputs, after.next_id).users)
        assert self.a_pass.sites(graph) != ()
        self._assert_kept(graph, after)
        assert self.a_pass.apply(after) is after
        assert self.a_pass.sites(after) == ()

    @settings(max_examples=30, deadline=None, suppress_health_check=_CHECKS)
    @given(data=st.data())
    def test_it_comes_to_an_end(self, data: st.DataObject) -> None:
        """More programs than can be run: small ones, full of sizes of 1. Two maps may push each other around for ever
        there."""
        after = self.a_pass.apply(data.draw(self._small_programs()))
        assert self.a_pass.apply(after) is after

    def test_one_element_is_not_pushed_around_for_ever(self) -> None:
        """Both operands of a sum are moved inputs of one element, and each is also read by others."""
        graph = _one_element()
        self._assert_kept(graph, self.a_pass.apply(graph))

    @settings(max_examples=12, deadline=None, suppress_health_check=_CHECKS)
    @given(data=st.data())
    def test_sites_are_where_it_applies(self, data: st.DataObject) -> None:
        """Sites are numbered in program order, and a rewrite at some of them alone keeps the program too."""
        graph = data.draw(self._programs())
        sites = self.a_pass.sites(graph)
        computed = [i for i, _ in graph.operators()]
        assert [i for i in computed if i in sites] == list(sites)
        for node_id in computed:
            assert (self.a_pass.apply(graph, only={node_id}) is not graph) == (node_id in sites)
        for node_id, after in self.a_pass.iter_rewrites(graph, but=sites[1:2]):
            assert after.hash == self.a_pass.apply(graph, only={node_id}).hash
            assert node_id not in sites[1:2]
        if sites:
            only = set(data.draw(st.lists(st.sampled_from(sites), min_size=1)))
            self._assert_kept(graph, self.a_pass.apply(graph, only=only))

    @settings(max_examples=12, deadline=None, suppress_health_check=_CHECKS)
    @given(data=st.data(), at=st.sampled_from(["", "1", *SITES_BY_PRICE]))
    def test_equal_graphs_have_equal_successors(self, data: st.DataObject, at: str) -> None:
        """Ids and the order of nodes make no difference: a search takes equal graphs for one."""
        graph = data.draw(self._programs())
        other = data.draw(renumbered(graph))
        assert other.hash == graph.hash
        there = replace(self.a_pass, at=at)
        facts = CostByHash()
        assert applied(there, other, facts).hash == applied(there, graph, facts).hash


def _one_element() -> Graph:
    three, flat = TensorType((1, 1, 1), "INT32"), TensorType((1,), "INT32")
    zero = constant(np.zeros(1, np.int32))
    up = move(0, flat, (Step("reshape", (1, 1, 1)),))
    nodes = {
        0: Node(INPUT, (), flat), 1: up, 2: zero, 3: zero, 4: Node("NEGATE", (1, 2, 3), three), 5: up,
        6: Node("ADD", (4, 5), three), 7: move(6, three, (Step("reshape", (1,)),)),
        8: move(4, three, (Step("reshape", (1,)),)),
    }  # fmt: skip
    return Graph(nodes, (0,), (7, 8, 0, 1), 9)
