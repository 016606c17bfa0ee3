"""What a rewrite is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from workers.cortex_m.target import InstructionSet

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node


@dataclass
class Program:
    """A program while a rewrite changes it: its graph, and the program that holds its constants.

    Attributes:
        module: the graph.
        exported: where its parameters and buffers are.
        config: ExecuTorch's `CortexMTargetConfig`.
        instruction_set: of the processor that it is lowered for.
    """

    module: GraphModule
    exported: ExportedProgram
    config: Any
    instruction_set: InstructionSet

    def calls(self) -> Iterator[Node]:
        """Its operators, in order."""
        return (node for node in list(self.module.graph.nodes) if node.op == "call_function")


@dataclass(frozen=True)
class CortexMPass(RecipePass):
    """A change of programs for Cortex-M; see `RecipePass` for what a subclass sets."""


@dataclass(frozen=True)
class FloatRewrite(CortexMPass):
    """A change of the exported float model, which is then quantised anew."""

    exactness: ClassVar[Exactness] = Exactness.REQUANTISING

    @abstractmethod
    def fits(self, node: Node) -> bool:
        """Whether an operator is a site.

        Args:
            node: of a graph of PyTorch's operators, of the float model or of the quantised one.

        Returns:
            True if the rewrite changes it.
        """

    @abstractmethod
    def rewrite(self, node: Node) -> None:
        """Change the graph of the float model at a site.

        Args:
            node: the site; it has to fit.
        """

    def apply(self, module: GraphModule) -> None:
        """Change an exported float model at all sites, in place."""
        for node in filter(self.fits, list(module.graph.nodes)):
            self.rewrite(node)
        module.recompile()


@dataclass(frozen=True)
class Rewrite(CortexMPass):
    """A pass that is inserted into ExecuTorch's list.

    Attributes:
        before: ExecuTorch's pass that it runs before; None: after all of them.
    """

    before: ClassVar[str | None] = None

    @abstractmethod
    def fits(self, program: Program, node: Node) -> bool:
        """Whether an operator is a site.

        Args:
            program: that it is in.
            node: a call of an operator.

        Returns:
            True if the rewrite may change it; nothing is changed yet.
        """

    @abstractmethod
    def rewrite(self, program: Program, node: Node) -> None:
        """Change the program at a site. What is no longer used is removed afterwards, and shapes are found anew.

        Args:
            program: that is changed.
            node: the site; it has to fit.
        """

    def sites(self, program: Program) -> list[Node]:
        """All sites in program order, whatever `at` says."""
        return [node for node in program.calls() if self.fits(program, node)]

    def apply(self, program: Program) -> list[str]:
        """Change the program at the sites that the rewrite is for.

        Returns:
            The names of all sites, in program order.
        """
        sites = self.sites(program)
        numbers = set(self.numbers or range(1, len(sites) + 1))
        names = [node.name for node in sites]
        for number, node in enumerate(sites, start=1):
            if number in numbers:
                self.rewrite(program, node)
        program.module.graph.eliminate_dead_code()
        program.module.recompile()
        return names
