"""What a rewrite of an exported program for Vulkan is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from search_space.errors import SpaceError
from search_space.exactness import Exactness

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


class Stage(Enum):
    """When it runs. FLOAT: before the program is quantised. QUANTISED: after that. EDGE: on ExecuTorch's edge
    operators, just before they are partitioned."""

    FLOAT = "float"
    QUANTISED = "quantised"
    EDGE = "edge"


@dataclass(frozen=True)
class Rewrite(ABC):
    """A rewrite that keeps the outputs, up to what its exactness says.

    A subclass sets
    name: as recipes write it, lower case with hyphens.
    law: why the outputs stay the same, in one line.
    exactness: its class.
    stage: when it runs.
    removes: operators that the partitioner leaves to the CPU and that the rewrite avoids, by their edge names.

    at: the sites where it applies: all if empty, else numbers in program order from 1 with `+` between them.
    """

    name: ClassVar[str]
    law: ClassVar[str]
    exactness: ClassVar[Exactness]
    stage: ClassVar[Stage]
    removes: ClassVar[frozenset[str]] = frozenset()

    at: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(?:[1-9][0-9]{0,5}(?:\+[1-9][0-9]{0,5})*)?", self.at):
            raise SpaceError(f"{self.name}@{self.at}: sites are numbers from 1 with + between them")

    @property
    def numbers(self) -> frozenset[int]:
        """The sites that it is for; empty for all."""
        return frozenset(map(int, self.at.split("+"))) if self.at else frozenset()

    def chosen(self, number: int) -> bool:
        """Whether it is for this site."""
        return not self.at or number in self.numbers

    def __str__(self) -> str:
        return f"{self.name}@{self.at}" if self.at else self.name


class ModuleRewrite(Rewrite):
    """A rewrite of a module whose parameters are attributes, as `ExportedProgram.module(check_guards=False)` gives it.

    Nodes that it makes need no metadata: the module is exported again.
    """

    def sites(self, module: GraphModule) -> tuple[str, ...]:
        """Names of the nodes where it would rewrite, in program order."""
        return tuple(node.name for node in self._fitting(module))

    def apply(self, module: GraphModule) -> int:
        """Rewrite a module in place at the sites that it is for; how often."""
        nodes = [node for number, node in enumerate(self._fitting(module), 1) if self.chosen(number)]
        for node in nodes:
            self.rewrite(module, node)
        if nodes:
            module.graph.eliminate_dead_code()
            module.graph.lint()
            module.recompile()
        return len(nodes)

    def _fitting(self, module: GraphModule) -> Iterator[Node]:
        return (node for node in list(module.graph.nodes) if node.op == "call_function" and self.fits(module, node))

    @abstractmethod
    def fits(self, module: GraphModule, node: Node) -> bool:
        """Whether the law holds at a node and changes something there."""

    @abstractmethod
    def rewrite(self, module: GraphModule, node: Node) -> None:
        """Replace what a node computes, where it fits."""
