"""An editor goes back to what it was asked to keep."""

from hypothesis import given, settings
from hypothesis import strategies as st
from support.contracts import operators_for

from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.passes.base import Pass
from search_space.recipe.space import tosa_passes
from velatune.testing.random.graphs import graphs

PASSES = tosa_passes()


@settings(max_examples=200)
@given(data=st.data(), first=st.sampled_from(PASSES), second=st.sampled_from(PASSES))
def test_what_is_taken_back_leaves_nothing_behind(data: st.DataObject, first: Pass, second: Pass) -> None:
    graph: Graph = data.draw(graphs(often=operators_for(data.draw(st.sampled_from([first, second])))))
    edit = Editor(graph)
    changed_by(edit, first)
    kept = edit.finish()
    touched = edit.touched
    edit.keep()
    changed_by(edit, second)
    edit.take_back()
    assert edit.touched == touched
    again = edit.finish()
    assert (again is graph) == (kept is graph)
    assert again.hash == kept.hash
    assert (again.inputs, again.outputs, again.next_id) == (kept.inputs, kept.outputs, kept.next_id)
    assert dict(again.nodes) == dict(kept.nodes)
    whole = Graph(again.nodes, again.inputs, again.outputs, again.next_id)
    assert {i: sorted(readers) for i, readers in again.users.items()} == {
        i: sorted(readers) for i, readers in whole.users.items()
    }


def changed_by(edit: Editor, one: Pass) -> None:
    for node_id in edit.finish().operator_ids:
        if node_id in edit:
            one.rewrite(edit, node_id)
