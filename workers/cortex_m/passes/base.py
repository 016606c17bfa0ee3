"""What a rewrite is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from search_space.exactness import Exactness


@dataclass
class Program:
    """A program while a rewrite changes it: its graph, and the program that holds its constants.

    Attributes:
        module: the graph.
        exported: where its parameters and buffers are.
        config: ExecuTorch's `CortexMTargetConfig`.
    """

    module: GraphModule
    exported: ExportedProgram
    config: Any

    def calls(self) -> Iterator[Node]:
        """Its operators, in order."""
        return (node for node in list(self.module.graph.nodes) if node.op == "call_function")


@dataclass(frozen=True)
class Rewrite(ABC):
    """A change of a program that keeps its outputs: bit for bit, unless it says otherwise.

    A subclass sets
    name: as recipes write it, lower case with hyphens.
    law: why the outputs stay the same, in one line.
    exactness: its class.
    before: ExecuTorch's pass that it runs before; None: after all of them.

    at: the sites where it applies: all if empty, else numbers in program order from 1 with `+` between them.
    """

    name: ClassVar[str]
    law: ClassVar[str]
    exactness: ClassVar[Exactness] = Exactness.EXACT
    before: ClassVar[str | None] = None

    at: str = ""

    @abstractmethod
    def fits(self, program: Program, node: Node) -> bool:
        """Whether an operator is a site."""

    @abstractmethod
    def rewrite(self, program: Program, node: Node) -> None:
        """Change the program at a site. What is no longer used is removed afterwards, and shapes are found anew."""

    def sites(self, program: Program) -> list[Node]:
        """All sites in program order, whatever `at` says."""
        return [node for node in program.calls() if self.fits(program, node)]

    def apply(self, program: Program) -> list[str]:
        """Change the program at the sites that the rewrite is for.

        Returns:
            The names of all sites, in program order.
        """
        sites = self.sites(program)
        numbers = {int(one) for one in self.at.split("+")} if self.at else set(range(1, len(sites) + 1))
        names = [node.name for node in sites]
        for number, node in enumerate(sites, start=1):
            if number in numbers:
                self.rewrite(program, node)
        program.module.graph.eliminate_dead_code()
        program.module.recompile()
        return names

    def __str__(self) -> str:
        """As recipes write it."""
        return f"{self.name}@{self.at}" if self.at else self.name
