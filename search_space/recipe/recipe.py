"""A recipe, as one line of text.

It has the lowering choices and the passes, in order.

    conv1d=along-h | fuse-transposes,through-elementwise{up=true},fold-constants

Choices come before the bar, in alphabetical order. Passes come after it, in execution order. An empty side is left out
with the bar. The empty recipe is `default`, the lowering of stock ExecuTorch.

A pass is applied at all its sites unless the recipe selects some:

- `sum-as-depthwise@1+3`: the first and the third site of the program as it is at that point;
- `sum-as-depthwise@profitable`: the sites where the changed part takes fewer stream cycles when compiled alone;
- `sum-as-depthwise@profitable-by-both`: the sites where one estimate falls, and neither the other nor the part's SRAM
  rises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from search_space.choices.base import Choice, RecipeChoice
from search_space.choices.frontend.base import Setting, SettingChoice
from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.ir.target_facts import ANY_TARGET, TargetFacts
from search_space.layout.activation_shape import activations_without_batch
from search_space.passes.recipe_pass import SITES_BY_PRICE, RecipePass
from search_space.recipe import registry
from search_space.recipe.profitable_sites import applied

DEFAULT_TEXT = "default"
_OPTION_VALUE = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True)
class Recipe:
    """Lowering choices and passes, parsed.

    Attributes:
        choices: pairs (choice, alternative), sorted.
        passes: in the order in which they run.
    """

    choices: tuple[tuple[str, str], ...] = ()
    passes: tuple[RecipePass, ...] = ()

    @staticmethod
    def parse(text: str) -> Recipe:
        """Read a recipe from its text.

        Raises:
            SpaceError: bad syntax, or an unknown name; the message lists the nearest known names.
        """
        text = text.strip()
        if not text:
            raise SpaceError(f"an empty recipe; the recipe of stock ExecuTorch is '{DEFAULT_TEXT}'")
        if text == DEFAULT_TEXT:
            return Recipe()
        left, bar, right = text.partition("|")
        if not bar and "=" not in re.sub(r"\{[^}]*\}", "", text):
            left, right = "", text
        choices = tuple(sorted(_choice(part) for part in _split(left)))
        names = [name for name, _ in choices]
        if len(set(names)) != len(names):
            raise SpaceError(f"recipe '{text}' takes a choice twice")
        return Recipe(choices, tuple(_pass(part) for part in _split(right)))

    def __str__(self) -> str:
        choices = ",".join(f"{name}={alternative}" for name, alternative in self.choices)
        passes = ",".join(map(str, self.passes))
        return " | ".join(filter(None, (choices, passes))) or DEFAULT_TEXT

    @property
    def elements(self) -> tuple[str, ...]:
        """The text of every choice and pass, in order."""
        return (*(f"{name}={alternative}" for name, alternative in self.choices), *map(str, self.passes))

    @property
    def setting(self) -> Setting:
        """The choices that are taken inside the toolchain."""
        return tuple(one for one in self.choices if issubclass(registry.choices()[one[0]], SettingChoice))

    @property
    def exactness(self) -> Exactness:
        """The class that must be allowed for the recipe: that of its least exact element."""
        choices = (registry.choices()[name].exactness(alternative) for name, alternative in self.choices)
        return max((*choices, *(one.exactness for one in self.passes)), default=Exactness.EXACT)

    @property
    def exact_stretches(self) -> tuple[tuple[Recipe, Recipe], ...]:
        """The maximal runs of exact elements, as pairs of prefixes (before the run, after the run).

        The programs by the two prefixes of a pair are equal bit for bit. If all of the recipe is exact there is one
        pair: the default recipe and the recipe itself.
        """
        registered = registry.choices()
        inexact = ((n, a) for n, a in self.choices if registered[n].exactness(a) > Exactness.EXACT)
        starts, ends = [Recipe(tuple(inexact))], []
        for place, one in enumerate(self.passes):
            if one.exactness > Exactness.EXACT:
                ends.append(Recipe(self.choices, self.passes[:place]))
                starts.append(Recipe(self.choices, self.passes[: place + 1]))
        return tuple(zip(starts, [*ends, self], strict=True))

    def laws(self) -> dict[str, str]:
        """Element -> its law, in one line."""
        laws = {f"{name}={alt}": _law(registry.choices()[name], alt) for name, alt in self.choices}
        return laws | {str(p): p.law for p in self.passes}

    def apply(self, graph: Graph, facts: TargetFacts = ANY_TARGET) -> Graph:
        """Lower a program by this recipe.

        Args:
            graph: the program as ExecuTorch lowers it for the target with this recipe's `setting`.
            facts: about the target.

        Returns:
            The new program; `graph` itself if nothing changes.

        Raises:
            SpaceError: a pass does not terminate.
        """
        for name, alternative in self.choices:
            choice = registry.choices()[name]
            if issubclass(choice, SettingChoice):  # it is lowered with the alternative already
                continue
            if not issubclass(choice, Choice):
                raise SpaceError(f"{name} is no choice on TOSA programs")
            chosen = choice().apply(graph, alternative)
            graph = graph if chosen is graph else _right_for_vela(chosen)
        for one in self.passes:
            graph = applied(one, graph, facts)
        return graph


def _right_for_vela(graph: Graph) -> Graph:
    edit = Editor(graph)
    activations_without_batch(edit)
    return edit.finish()


def _law(choice: type[RecipeChoice], alternative: str) -> str:
    return "; ".join(choice.alternatives[part] for part in choice.parts(alternative))


def _split(text: str) -> list[str]:
    """The comma-separated elements of one side; commas in braces do not count."""
    if not text.strip():
        return []
    parts = [part.strip() for part in re.split(r",(?![^{]*\})", text)]
    if not all(parts):
        raise SpaceError(f"recipe part '{text.strip()}' has an empty element")
    return parts


def _choice(text: str) -> tuple[str, str]:
    name, equals, alternative = (part.strip() for part in text.partition("="))
    if not equals or not registry.NAME.fullmatch(name) or not alternative:
        raise SpaceError(f"'{text}' is not a lowering choice; write choice=alternative")
    known = registry.choices()
    if name not in known:
        raise registry.unknown_choice(name, known)
    for part in known[name].parts(alternative):
        if part not in known[name].alternatives:
            raise registry.unknown(f"alternative of {name}", part, known[name].alternatives)
    return name, known[name].written(alternative)


def _pass(text: str) -> RecipePass:
    match = re.fullmatch(r"([^{}@]*)(?:\{([^{}]*)\}\s*)?(?:@([^{}@]*))?", text)
    if not match or not registry.NAME.fullmatch(match[1].strip()):
        raise SpaceError(f"'{text}' is not a pass; write name, name{{option=value}} or name@1+3 for some of its sites")
    name = match[1].strip()
    known = registry.passes()
    if name not in known:
        raise registry.unknown_pass(name, known)
    kinds = {f.name: type(f.default) for f in known[name].options()}
    options: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in (match[2] or "").split(","))):
        option, _, value = (piece.strip() for piece in part.partition("="))
        if option not in kinds:
            raise (
                registry.unknown(f"option of {name}", option, kinds) if kinds else SpaceError(f"{name} has no options")
            )
        if option in options:
            raise SpaceError(f"{name} is given its option {option} twice")
        options[option] = _value(kinds[option], value, f"{name}{{{option}}}")
    at = _sites(match[3], text)
    if at in SITES_BY_PRICE and not known[name].priced_sites:
        raise SpaceError(f"'{text}': sites of {name} are not found by their price; write numbers, as in {name}@1+3")
    return known[name](**options, at=at)


def _sites(text: str | None, where: str) -> str:
    """The canonical text of selected sites: numbers in order and once."""
    if text is None or text.strip() in SITES_BY_PRICE:
        return (text or "").strip()
    numbers = [part.strip() for part in text.split("+")]
    if not all(re.fullmatch(r"[1-9][0-9]{0,5}", number) for number in numbers):
        raise SpaceError(f"'{where}': sites are numbers from 1 with + between them, {' or '.join(SITES_BY_PRICE)}")
    return "+".join(map(str, sorted(set(map(int, numbers)))))


def _value(kind: type, text: str, where: str) -> bool | int | str:
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind is int and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind is str and _OPTION_VALUE.fullmatch(text):
        return text
    raise SpaceError(f"{where} takes {'true or false' if kind is bool else kind.__name__}, not '{text}'")
