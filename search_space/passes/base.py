"""The base class of passes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar

from search_space.building.lost_padding import windows_without_padding
from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, INPUT, Graph
from search_space.ir.target_facts import ANY_TARGET, TargetFacts
from search_space.layout.activation_shape import activations_without_batch
from search_space.passes.stage import Stage

#: Sites where stream cycles fall; and sites where neither they nor Vela's estimate rise, one of the two falls, and the
#: part needs no more SRAM than it or the whole program did before the pass.
PROFITABLE, PROFITABLE_BY_BOTH = "profitable", "profitable-by-both"

#: Alternatives to numbers of sites; `search_space.recipe.profitable_sites` finds the sites.
SITES_BY_PRICE = (PROFITABLE, PROFITABLE_BY_BOTH)

_CHANGES_PER_NODE = 50


@dataclass(frozen=True)
class Pass(ABC):
    """A rewrite graph -> graph that keeps the outputs bit for bit, unless its class says otherwise.

    A subclass is a frozen dataclass. Its fields are its options (bool, int or str, all with defaults). It sets

    name: as recipes write it, lower case with hyphens.

    law: why the outputs stay the same, in one line.

    is_nonlocal: whether a rewrite can open a site that is not next to it.

    exactness: its class. Passes that are not exact are tried only where the user allows them, and are measured.

    stage: where it belongs in the recipes that a search starts from. None leaves it out of them, or to
    `search_space.recipe.seed_recipes` to name it.

    at: the sites where it applies: all if empty, numbers in program order from 1 with `+` between them, or one of
    SITES_BY_PRICE. In a program of several delegates each one has its own sites. Numbers after the last site have no
    effect.
    """

    name: ClassVar[str]
    law: ClassVar[str]
    is_nonlocal: ClassVar[bool] = False
    exactness: ClassVar[Exactness] = Exactness.EXACT
    stage: ClassVar[Stage | None] = None

    at: str = field(default="", kw_only=True)

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
        wrong = windows_without_padding(edit, edit.touched)
        if wrong:
            edit.take_back()
            if windows_without_padding(edit, wrong) != wrong:
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

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of sites in `at`, in order; empty if the pass is for all sites.

        Raises:
            SpaceError: its sites are selected by price.
        """
        if self.at in SITES_BY_PRICE:
            raise SpaceError(f"{self}: its sites are found by `search_space.recipe.profitable_sites`")
        return tuple(map(int, self.at.split("+"))) if self.at else ()

    def __str__(self) -> str:
        """The text in recipes: options that are not at their default in braces, then the sites."""
        return self._text

    @cached_property
    def _text(self) -> str:  # a search writes the same passes thousands of times
        options = [
            f"{f.name}={_option(getattr(self, f.name))}" for f in self.options() if getattr(self, f.name) != f.default
        ]
        return self.name + ("{" + ",".join(options) + "}" if options else "") + (f"@{self.at}" if self.at else "")

    @classmethod
    def options(cls) -> tuple[Field[Any], ...]:
        """The fields that a recipe may set in braces."""
        return tuple(f for f in fields(cls) if f.name != "at")


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


def _option(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
