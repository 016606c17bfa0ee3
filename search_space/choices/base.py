"""What a lowering choice is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from search_space.exactness import Exactness
from search_space.graph import Graph


class Choice(ABC):
    """A decision on how operators are expressed, taken once for a program and before any pass.

    A subclass sets
    name: as recipes write it, lower case with hyphens.
    alternatives: name -> in one line what it does and why the outputs stay the same. What stock ExecuTorch does is no
    alternative: it is what happens when a recipe does not mention the choice.
    inexact: the class of those alternatives that do not keep the outputs bit for bit.
    """

    name: ClassVar[str]
    alternatives: ClassVar[Mapping[str, str]]
    inexact: ClassVar[Mapping[str, Exactness]] = {}

    @classmethod
    def exactness(cls, alternative: str) -> Exactness:
        """The class of an alternative."""
        return cls.inexact.get(alternative, Exactness.EXACT)

    @abstractmethod
    def apply(self, graph: Graph, alternative: str) -> Graph:
        """The program with the alternative taken wherever it fits; `graph` itself where it fits nowhere."""
