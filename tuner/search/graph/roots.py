"""Where a search may begin: recipes that are evaluated as a whole, and which of them come next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from math import inf

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from tuner.search.graph.state import State

AS_LOWERED = "as-lowered"
START = "start"


@dataclass(frozen=True)
class Step:
    """One decision on the way to a candidate, for Optuna: a parameter, its values, and the one taken."""

    parameter: str
    values: tuple[str, ...]
    value: str


class Roots:
    """The roots of one model and target.

    A root has choices with a start or none. Those with at most one choice are roots from the beginning. A start that
    has choices is tried with these alone. Choices are combined once they reduced cycles one at a time. All of those are
    combined at once, with every start. The cheapest combination is also tried with every other width. One more choice
    is added to the choices of the cheapest state, with its start. All other combinations come last, when nothing else
    is left.

    Attributes:
        choices: name -> alternatives, those inside ExecuTorch included.
    """

    def __init__(
        self,
        choices: Mapping[str, tuple[str, ...]],
        starts: Sequence[str],
        settings: Mapping[Setting, Sequence[str]],
        states: Mapping[str, State],
    ) -> None:
        """Begin with no root evaluated.

        Args:
            choices: lowering choice -> alternatives that change the model.
            starts: pass sequences that a search may start from, as it may from none, and recipes with choices. One with
                a choice that does not change the model is left out.
            settings: single choices inside ExecuTorch -> the sequences to start from with that choice.
            states: the evaluated programs by hash, as they come to be known.
        """
        found = {name: list(alternatives) for name, alternatives in choices.items()}
        for ((name, one),) in settings:
            found.setdefault(name, []).append(one)
        self.choices = {name: tuple(found[name]) for name in sorted(found)}
        parsed = {text: Recipe.parse(text) for text in starts}
        whole = [one for one in parsed.values() if one.choices]
        self._whole = [one for one in whole if all(value in self.choices.get(name, ()) for name, value in one.choices)]
        starts = [text for text, one in parsed.items() if not one.choices]
        everywhere = (*starts, *(text for of in settings.values() for text in of))
        self._starts = {Recipe.parse(text).passes: text for text in everywhere}
        self._states = states
        self._programs: dict[Recipe, str | None] = {}  # of evaluated roots; None: the recipe gives no program
        #: Choices -> cycles of the cheapest program that is known to be reached by exactly these.
        self._cheapest: dict[tuple[tuple[str, str], ...], int] = {}
        self._singles = [((name, one),) for name, alternatives in self.choices.items() for one in alternatives]
        self._widths = [one for (one,) in self._singles if Recipe((one,)).exactness == Exactness.PRECISION]
        self._starts_by = {
            taken: tuple(Recipe.parse(text).passes for text in settings.get(taken, starts))
            for taken in ((), *self._singles)
        }
        self._first = [
            Recipe(taken, start) for taken, starts_here in self._starts_by.items() for start in ((), *starts_here)
        ]

    def passes_of_starts(self) -> set[str]:
        """Texts of the passes that starts are made of."""
        return {str(one) for start in (*self._starts, *(whole.passes for whole in self._whole)) for one in start}

    def is_root(self, recipe: Recipe) -> bool:
        """Whether a recipe has no passes or those of a start, or is a start itself."""
        return not recipe.passes or recipe.passes in self._starts or recipe in self._whole

    def record(self, root: Recipe, program: str) -> None:
        """Remember the program of an evaluated root.

        Args:
            root: the recipe.
            program: hash of its program; empty if it gives none.
        """
        self._programs[root] = program or None

    def record_cycles(self, choices: tuple[tuple[str, str], ...], cycles: int) -> None:
        """Remember the cycles of a program, for the choices that lead to it.

        Args:
            choices: of its recipe.
            cycles: of the objective.
        """
        self._cheapest[choices] = min(cycles, self._cheapest.get(choices, cycles))

    def state(self, recipe: Recipe) -> State | None:
        """The state of a root, None if it is not evaluated or gives no program."""
        program = self._programs.get(recipe)
        return self._states.get(program) if program else None

    def state_before(self, root: Recipe) -> State | None:
        """The state of the root without the last choice; of the default if no root starts alike."""
        return self.state(Recipe(root.choices[:-1], root.passes)) or self.state(Recipe())

    def first(self) -> list[Recipe]:
        """The roots that are to be evaluated before others. First come those without choices, then the starts that have
        some. Each choice by itself comes next, since its effect cannot be guessed from that of passes. Then all choices
        that pay are combined, as lowered and with every start."""
        plain = [root for root in self._first if not root.choices]
        single = [root for root in self._first if root.choices and not root.passes]
        return [*plain, *self._whole, *single, *self._together(), *self._other_widths()]

    def _together(self) -> list[Recipe]:
        default = self.state(Recipe())
        if default is None or any(Recipe(taken) not in self._programs for taken in self._singles):
            return []
        pays: dict[str, tuple[float, Setting]] = {}
        for taken in self._singles:
            state, ((name, _),) = self.state(Recipe(taken)), taken
            if state is not None and state.value < min(default.value, pays[name][0] if name in pays else inf):
                pays[name] = state.value, taken
        if not pays:
            return []
        choices = tuple(sorted(taken[0] for _, taken in pays.values()))
        _, best = min(pays.values())
        return [Recipe(choices, start) for start in ((), *self._starts_by[best])]

    def _other_widths(self) -> Iterator[Recipe]:
        """Widths are not chosen for their cycles alone. So the rest of the best root is tried with each width, and with
        none."""
        together = self._together()
        states = [(state.value, root) for root in together if (state := self.state(root)) is not None]
        if not states or any(root not in self._programs for root in together):
            return
        _, best = min(states, key=lambda one: one[0])
        taken = dict(best.choices)
        for name, one in self._widths:
            yield Recipe(tuple(sorted({**taken, name: one}.items())), best.passes)
        for name in dict.fromkeys(name for name, _ in self._widths):
            yield Recipe(tuple(setting for setting in best.choices if setting[0] != name), best.passes)

    def open(self, best: State | None) -> list[Recipe]:
        """Roots that are not evaluated: the first ones, then those that put together what has paid.

        Args:
            best: the cheapest state that may be offered; None if there is none.
        """
        early = (*self._first, *self._whole, *self._together(), *self._other_widths())
        return [root for root in dict.fromkeys((*early, *self._joined(best))) if root not in self._programs]

    def others(self) -> list[Recipe]:
        """Every combination of choices with every start that is not evaluated."""
        none: tuple[tuple[str, str], ...] = ()
        ways = [[none, *(((name, one),) for one in alternatives)] for name, alternatives in self.choices.items()]
        combined = [tuple(chain.from_iterable(taken)) for taken in product(*ways)]
        roots = (Recipe(taken, start) for taken in combined if len(taken) > 1 for start in ((), *self._starts))
        return [root for root in roots if root not in self._programs]

    def _joined(self, best: State | None) -> Iterator[Recipe]:
        if best is None or not best.recipe.choices:
            return
        plain = self._cheapest.get(())
        taken = dict(best.recipe.choices)
        for ((name, one),) in self._singles:
            alone = self._cheapest.get(((name, one),))
            if name not in taken and alone is not None and plain is not None and alone < plain:
                yield Recipe(tuple(sorted({**taken, name: one}.items())), self._root_of(best.recipe).passes)

    def _root_of(self, recipe: Recipe) -> Recipe:
        """The recipe itself if it is a root, else the longest evaluated root that it goes on from."""
        if self.is_root(recipe):
            return recipe
        for length in range(len(recipe.passes), 0, -1):
            root = Recipe(recipe.choices, recipe.passes[:length])
            if root in self._programs:
                return root
        return Recipe(recipe.choices)

    def steps(self, root: Recipe) -> list[Step]:
        """The decisions that lead to a root."""
        taken = dict(root.choices)
        steps = [
            Step(name, (AS_LOWERED, *alternatives), taken.get(name, AS_LOWERED))
            for name, alternatives in self.choices.items()
        ]
        texts = {**self._starts, **{one.passes: str(Recipe(passes=one.passes)) for one in self._whole if one.passes}}
        if texts:
            steps.append(Step(START, (AS_LOWERED, *texts.values()), texts.get(root.passes, AS_LOWERED)))
        return steps


def choice_text(root: Recipe) -> str:
    """Its last choice as a recipe writes it; empty if it has none."""
    return "=".join(root.choices[-1]) if root.choices else ""
