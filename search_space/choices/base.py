"""What a lowering choice is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from search_space.exactness import Exactness
from search_space.ir.graph import Graph


class RecipeChoice(ABC):
    """A decision on how operators are expressed, taken once for a program and before any pass.

    `Choice` is the class of those that rewrite TOSA graphs, `search_space.choices.frontend.base.SettingChoice` of those
    that are taken inside the toolchain.

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
        """The class of what a recipe says: that of its least exact part."""
        return max(cls.inexact.get(part, Exactness.EXACT) for part in cls.parts(alternative))

    @classmethod
    def parts(cls, alternative: str) -> tuple[str, ...]:
        """Those of `alternatives` that what a recipe says is made of."""
        return (alternative,)

    @classmethod
    def written(cls, alternative: str) -> str:
        """What a recipe says, in one form."""
        return alternative


class Choice(RecipeChoice):
    """A lowering choice on TOSA graphs."""

    @abstractmethod
    def apply(self, graph: Graph, alternative: str) -> Graph:
        """The program with the alternative taken wherever it fits; `graph` itself where it fits nowhere."""
