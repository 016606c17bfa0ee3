"""The base class of passes."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from search_space.building.miscompiled.lost_padding import windows_without_padding
from search_space.building.miscompiled.wide_scales import rescales_of_wide_sums
from search_space.errors import SpaceError
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, INPUT, Graph
from search_space.ir.target_facts import ANY_TARGET, TargetFacts
from search_space.layout.activation_shape import activations_without_batch
from search_space.passes.recipe_pass import RecipePass

_CHANGES_PER_NODE = 50


@dataclass(frozen=True)
class Pass(RecipePass):
    """A rewrite graph -> graph of TOSA programs; see `RecipePass` for what a subclass sets.

    Attributes:
        is_nonlocal: whether a rewrite can open a site that is not next to it.
    """

    is_nonlocal: ClassVar[bool] = False
    priced_sites: ClassVar[bool] = True

    @abstractmethod
    def rewrite(self, edit: Editor, node_id: int) -> bool:
        """Apply the law at one node, if it applies there.

        A rewrite may add nodes, and may redefine any node as the same tensor computed in another way. It must make
        progress: the pass is repeated until it applies nowhere.

        Args:
            edit: the graph under change.
            node_id: id of the node.

        Returns:
            True if the graph was changed.
        """

    def apply(self, graph: Graph, only: Collection[int] | None = None, facts: TargetFacts = ANY_TARGET) -> Graph:
        """Rewrite at the sites that the pass is for.

        Sites that a rewrite creates are visited as well, unless sites are selected.

        Args:
            graph: the program.
            only: ids of the nodes to rewrite at, instead of the sites in `at`.
            facts: about the target.

        Returns:
            The new program; `graph` itself if there was no site.

        Raises:
            SpaceError: the pass does not terminate, or its sites are selected by price.
        """
        if only is None and self.at:
            sites = self.sites(graph, facts)
            only = [sites[number - 1] for number in self.numbers if number <= len(sites)]
        edit = Editor(graph, facts)
        limit = _CHANGES_PER_NODE * (len(graph.nodes) + 20)
        changed = self._sweep(edit, _candidates(graph, only), only is None, limit)
        while changed and self.is_nonlocal and only is None:
            changed = self._sweep(edit, _candidates(edit.finish(), None), True, limit)
        return _finished(edit)

    def _sweep(self, edit: Editor, nodes: Iterable[int], spread: bool, limit: int) -> bool:
        """Rewrite at these nodes and, with `spread`, around every rewrite; whether there was one."""
        queue = deque(dict.fromkeys(nodes))
        waiting = set(queue)
        changed = False
        while queue:
            node_id = queue.popleft()
            waiting.discard(node_id)
            if node_id not in edit or not self._rewritten(edit, node_id):
                continue
            changed = True
            if edit.changes > limit:
                raise SpaceError(f"pass {self.name} does not terminate on this program")
            touched = edit.take_touched()
            if spread:
                queue.extend(one for one in touched if one not in waiting)
                waiting.update(touched)
        return changed

    def _rewritten(self, edit: Editor, node_id: int) -> bool:
        """Apply the law at one node if it fits there and Vela compiles rightly what comes of it; whether it did."""
        edit.keep()
        if not self.rewrite(edit, node_id):
            return False
        wrong = _miscompiled(edit, edit.touched)
        if wrong:
            edit.take_back()
            if not set(wrong) <= set(_miscompiled(edit, wrong)):
                return False
            self.rewrite(edit, node_id)  # they were wrong before
        return True

    def sites(self, graph: Graph, facts: TargetFacts = ANY_TARGET) -> tuple[int, ...]:
        """Find all nodes where the pass would change a program.

        Args:
            graph: the program.
            facts: about the target.

        Returns:
            Their ids, in program order.
        """
        return tuple(node_id for node_id, _ in self.iter_rewrites(graph, facts))

    def iter_rewrites(
        self, graph: Graph, facts: TargetFacts = ANY_TARGET, but: Container[int] = ()
    ) -> Iterator[tuple[int, Graph]]:
        """Rewrite at one site at a time.

        Args:
            graph: the program.
            facts: about the target.
            but: ids of nodes that are left out.

        Yields:
            Each site in program order, with the program after a rewrite there alone.
        """
        edit = Editor(graph, facts)
        for node_id in _candidates(graph, None):
            if node_id not in but and self._rewritten(edit, node_id):
                yield node_id, _finished(edit)
                edit = Editor(graph, facts)


def _miscompiled(edit: Editor, changed: Sequence[int]) -> list[int]:
    """Nodes that Vela compiles wrongly, of those that changed and those around them."""
    return windows_without_padding(edit, changed) + rescales_of_wide_sums(edit, changed, edit.facts.sum_scale_bits())


def _finished(edit: Editor) -> Graph:
    """The graph, without what Vela compiles wrongly; the original itself if nothing was changed."""
    if edit.changes:
        activations_without_batch(edit)
    return edit.finish()


def _candidates(graph: Graph, only: Collection[int] | None) -> Sequence[int]:
    if only is None:
        return graph.operator_ids
    if len(only) == 1:
        return [i for i in only if i in graph.nodes and graph[i].op not in (INPUT, CONST)]
    return [i for i in graph.operator_ids if i in only]
