"""The base class of lowering choices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from search_space.exactness import Exactness

if TYPE_CHECKING:
    from search_space.ir.graph import Graph


class RecipeChoice(ABC):
    """A decision on how operators are expressed, taken once for a program and before any pass.

    `Choice` is the class of those that rewrite TOSA graphs. `search_space.choices.frontend.base.SettingChoice` is that
    of those inside the toolchain.

    A subclass sets these attributes.

    Attributes:
        name: as recipes write it, lower case with hyphens.
        alternatives: name -> in one line what it does and why the outputs stay the same. What stock ExecuTorch does is
            no alternative. It is what happens when a recipe does not mention the choice.
        inexact: the class of those alternatives that do not keep the outputs bit for bit.
    """

    name: ClassVar[str]
    alternatives: ClassVar[Mapping[str, str]]
    inexact: ClassVar[Mapping[str, Exactness]] = {}

    @classmethod
    def exactness(cls, alternative: str) -> Exactness:
        """The class of an alternative: that of its least exact part."""
        return max(cls.inexact.get(part, Exactness.EXACT) for part in cls.parts(alternative))

    @classmethod
    def parts(cls, alternative: str) -> tuple[str, ...]:
        """The names in `alternatives` that an alternative consists of."""
        return (alternative,)

    @classmethod
    def written(cls, alternative: str) -> str:
        """The canonical text of an alternative."""
        return alternative


class Choice(RecipeChoice):
    """A lowering choice on TOSA graphs."""

    @abstractmethod
    def apply(self, graph: Graph, alternative: str) -> Graph:
        """Take an alternative wherever it applies.

        Args:
            graph: the program.
            alternative: its text, as a recipe has it.

        Returns:
            The program with the alternative; `graph` itself if it applies nowhere.
        """
