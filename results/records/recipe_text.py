"""Recipes as text: their elements, and in which two differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest


def elements(recipe: str) -> list[str]:
    """The choices and passes of a recipe as spelled, in order; commas inside braces are a pass's own."""
    if recipe == "default":
        return []
    return [element.strip() for element in re.split(r"[,|](?![^{]*\})", recipe) if element.strip()]


@dataclass(frozen=True)
class Step:
    """One line of two recipes side by side. It is the same element in both, or an element of only one (the other is
    empty). Or both have it with other options or at other sites.
    """

    a: str
    b: str

    def __str__(self) -> str:
        if self.a == self.b:
            return f"  {self.a}"
        if self.a and self.b:
            return f"~ {self.a} → {self.b}"
        return f"- {self.a}" if self.a else f"+ {self.b}"


def side_by_side(a: str, b: str) -> list[Step]:
    """Two recipes, element by element in the order in which they run; what stays is matched first.

    Args:
        a: text of a recipe.
        b: text of the other one.

    Returns:
        Steps with the element of `a` and that of `b`. A side is empty where the other recipe alone has the element.
    """
    olds, news = elements(a), elements(b)
    steps = []
    for kind, start, end, other_start, other_end in SequenceMatcher(None, olds, news, autojunk=False).get_opcodes():
        if kind == "equal":
            steps += [Step(one, one) for one in olds[start:end]]
        else:
            steps += _changed(olds[start:end], news[other_start:other_end])
    return steps


def _changed(olds: list[str], news: list[str]) -> list[Step]:
    names = SequenceMatcher(None, [_name(one) for one in olds], [_name(one) for one in news], autojunk=False)
    steps = []
    for kind, start, end, other_start, other_end in names.get_opcodes():
        if kind == "equal":
            pairs = zip_longest(olds[start:end], news[other_start:other_end], fillvalue="")
            steps += [Step(old, new) for old, new in pairs]
        else:
            steps += [Step(old, "") for old in olds[start:end]] + [Step("", new) for new in news[other_start:other_end]]
    return steps


def _name(element: str) -> str:
    return re.split(r"[={@]", element, maxsplit=1)[0]
