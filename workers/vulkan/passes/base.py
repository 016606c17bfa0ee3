"""What a rewrite of an exported program for Vulkan is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from search_space.passes.recipe_pass import RecipePass
from workers.vulkan.model.scheme import Scheme

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


class When(Enum):
    """When a rewrite runs. FLOAT: before the program is quantised. QUANTISED: after that. EDGE: on ExecuTorch's edge
    operators, just before they are partitioned. PARTITION: it says what the partitioner does."""

    FLOAT = "float"
    QUANTISED = "quantised"
    EDGE = "edge"
    PARTITION = "partition"


@dataclass(frozen=True)
class Rewrite(RecipePass):
    """A rewrite that keeps the outputs, up to its exactness.

    See `RecipePass` for what a subclass sets.

    Attributes:
        when: it runs.
        needs: schemes without one of which it has no site; empty where it does not depend on them.
        removes: operators that the rewrite avoids, by their edge names. The partitioner leaves them to the CPU, or the
            runtime lacks them.
        mends: names of the rules of `workers.vulkan.gate` that programs break without the rewrite.
    """

    when: ClassVar[When]
    needs: ClassVar[frozenset[Scheme]] = frozenset()
    removes: ClassVar[frozenset[str]] = frozenset()
    mends: ClassVar[frozenset[str]] = frozenset()

    @property
    def everywhere(self) -> Rewrite:
        """The same with its options, at all of its sites."""
        return replace(self, at="")

    def chosen(self, number: int) -> bool:
        """Whether it is for a site.

        Args:
            number: of the site, from 1 in program order.

        Raises:
            SpaceError: its sites are to be found by their price.
        """
        return not self.at or number in self.numbers


class ModuleRewrite(Rewrite):
    """A rewrite of a module whose parameters are attributes, as `ExportedProgram.module(check_guards=False)` gives it.

    Nodes that it makes need no metadata: the module is exported again.
    """

    def sites(self, module: GraphModule) -> tuple[str, ...]:
        """Where it would rewrite.

        Args:
            module: of a program that can be run.

        Returns:
            Names of its nodes, in program order.
        """
        return tuple(node.name for node in self._fitting(module))

    def foreseen(self, module: GraphModule) -> int:
        """How many sites there may be in a program of a model.

        Args:
            module: of the model in floating point. A pass that runs later tells from it what may come.

        Returns:
            The number; 0 where the pass is not tried for the model.
        """
        return len(self.sites(module))

    def apply(self, module: GraphModule) -> int:
        """Rewrite a module in place, at the sites that it is for.

        Args:
            module: of a program that can be run.

        Returns:
            How often it rewrote.

        Raises:
            SpaceError: as `chosen`.
        """
        nodes = [node for number, node in enumerate(self._fitting(module), 1) if self.chosen(number)]
        for node in nodes:
            self.rewrite(module, node)
        if nodes:
            _views_as_reshapes(module)
            module.graph.eliminate_dead_code()
            module.graph.lint()
            module.recompile()
        return len(nodes)

    def _fitting(self, module: GraphModule) -> Iterator[Node]:
        return (node for node in list(module.graph.nodes) if node.op == "call_function" and self.fits(module, node))

    @abstractmethod
    def fits(self, module: GraphModule, node: Node) -> bool:
        """Look at a node.

        Args:
            module: that it is of.
            node: a call of an operator.

        Returns:
            Whether the law holds at the node and changes something there.
        """

    @abstractmethod
    def rewrite(self, module: GraphModule, node: Node) -> None:
        """Replace what a node computes.

        Args:
            module: that it is of; it is changed in place.
            node: where the pass fits.
        """


def _views_as_reshapes(module: GraphModule) -> None:
    """A decomposed program says view where the strides allow it; after a rewrite they may be others."""
    import torch

    for node in module.graph.find_nodes(op="call_function", target=torch.ops.aten.view.default):
        node.target = torch.ops.aten.reshape.default
