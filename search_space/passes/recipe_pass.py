"""What every pass has that a recipe can name, whatever programs it rewrites."""

from __future__ import annotations

from abc import ABC
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.passes.stage import Stage

#: Where stream cycles fall; or where neither they nor Vela's estimate rise, one of the two falls, and the part needs no
#: more SRAM than it or the whole program did before the pass.
PROFITABLE, PROFITABLE_BY_BOTH = "profitable", "profitable-by-both"

#: What may stand instead of numbers of sites; `search_space.recipe.profitable_sites` finds them.
SITES_BY_PRICE = (PROFITABLE, PROFITABLE_BY_BOTH)


@dataclass(frozen=True)
class RecipePass(ABC):
    """A rewrite that keeps the outputs: bit for bit, unless it says otherwise.

    A subclass is a frozen dataclass; its fields are its options (bool, int or str, all with defaults).
    `search_space.passes.base.Pass` is the class of those that rewrite TOSA graphs. A backend with programs of its own
    has a class of its own.

    Attributes:
        name: as recipes write it, lower case with hyphens; one name for all kinds of programs.
        law: why the outputs stay the same, in one line.
        exactness: its class; what is not exact is tried only where the user allows it, and measured.
        stage: where it belongs in the recipes that a search starts from; None leaves it out of them, or to
            `search_space.recipe.seed_recipes` to name it.
        priced_sites: whether `at` may be one of SITES_BY_PRICE, which needs parts that are compiled alone.
        at: the sites where it applies, all if empty. It is numbers in program order from 1 with `+` between them, or
            one of SITES_BY_PRICE. In a program of several delegates each one has its own sites. Numbers after the last
            site have no effect.
    """

    name: ClassVar[str]
    law: ClassVar[str]
    exactness: ClassVar[Exactness] = Exactness.EXACT
    stage: ClassVar[Stage | None] = None
    priced_sites: ClassVar[bool] = False

    at: str = field(default="", kw_only=True)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of sites in `at`, in order; empty where it is for all of them.

        Raises:
            SpaceError: its sites are found by their price.
        """
        if self.at in SITES_BY_PRICE:
            raise SpaceError(f"{self}: its sites are found by `search_space.recipe.profitable_sites`")
        return tuple(map(int, self.at.split("+"))) if self.at else ()

    def __str__(self) -> str:
        """As recipes write it: options that are not at their default in braces, then the sites."""
        return self._text

    @cached_property
    def _text(self) -> str:  # a search writes the same passes thousands of times
        options = [
            f"{f.name}={_option(getattr(self, f.name))}" for f in self.options() if getattr(self, f.name) != f.default
        ]
        return self.name + ("{" + ",".join(options) + "}" if options else "") + (f"@{self.at}" if self.at else "")

    @classmethod
    def options(cls) -> tuple[Field[Any], ...]:
        """What a recipe may set in braces."""
        return tuple(f for f in fields(cls) if f.name != "at")


def _option(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
