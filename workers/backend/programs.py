"""The programs that recipes make of one model for one target.

They are built, priced and checked in a worker process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from workers.backend.bound import Bound
from workers.backend.cost import Cost
from workers.cache.hit_counts import Reuse
from workers.checking.verdict import Verdict

P = TypeVar("P")

Choices = tuple[tuple[str, str], ...]
"""Pairs (lowering choice, alternative)."""

Element = RecipePass | tuple[str, str]
"""Of a recipe: a pass, or a lowering choice and its alternative."""


class Programs(ABC, Generic[P]):
    """Everything that an evaluator needs to know of one base program. P is what the backend calls a program; it is not
    changed by anything here.

    Attributes:
        name: of the model, for messages.
        default: what the stock toolchain makes of the model.
        allowed: the class up to which recipes are tried.
        compiler: what `cost` asks, for messages.
        executes: whether `executed` runs what the compiler emitted. Where it does not, what is checked is the program
            that the artefact is made of.
        measures_files: whether quality is that of what runs, and not of the program. An exact pass may raise it
            then, by a form that the runtime computes right.
    """

    compiler: ClassVar[str]
    executes: ClassVar[bool] = False
    measures_files: bool = False

    name: str
    default: P
    allowed: Exactness

    @abstractmethod
    def program_hash(self, program: P) -> str:
        """32 hex digits: equal if and only if the programs are."""

    @abstractmethod
    def chosen(self, choices: Choices) -> P:
        """The default program with lowering choices taken. Raises SpaceError."""

    @abstractmethod
    def passed(self, program: P, one: RecipePass) -> P:
        """The program after a pass, as a recipe has it.

        Args:
            program: before the pass.
            one: the pass with its options and sites.

        Returns:
            The new program; the program itself if nothing changes.

        Raises:
            SpaceError: the pass fails, or gives an ill-formed program.
        """

    @abstractmethod
    def cost(self, program: P) -> Cost:
        """Compile and price. Raises CompilerRefused."""

    def tied(self, program: P, cheapest: P) -> bool:
        """Whether a program may be taken instead of one that the estimate does not tell it apart from.

        Args:
            program: a right one.
            cheapest: of all right ones, by `cost`.

        Returns:
            Whether it may; False where estimates tell all programs apart.

        Raises:
            CompilerRefused: as `cost`.
        """
        return False

    @abstractmethod
    def equal(self, program: P, reference: P, whole: bool) -> Verdict:
        """Whether two programs compute the same, bit for bit, on the check inputs.

        Args:
            program: to check.
            reference: what it has to equal.
            whole: by a way that shares nothing between programs, on all inputs.

        Returns:
            Whether it is equal; if not, why in one line.

        Raises:
            ReferenceFailed: it cannot be found out for the reference.
        """

    @abstractmethod
    def described_check(self, exactness: Exactness, whole: bool) -> dict[str, Any]:
        """What `equal` compares, for records: `against`, `computed`, `inputs`.

        Args:
            exactness: class of the recipe.
            whole: as of `equal`.

        Returns:
            What `json.dumps` takes.
        """

    def executed(self, program: P, whole: bool, on_all: bool, is_default: bool) -> Verdict:
        """Whether what the compiler emits computes what the program does; see `executes`.

        Args:
            program: whose emitted code is run.
            whole: as of `equal`.
            on_all: on all inputs that programs share, not on the random ones alone.
            is_default: it is the default program, whose first wrong operation is looked for.

        Returns:
            Whether it computes the same; if not, why in one line. True where the family executes nothing.

        Raises:
            ReferenceFailed: the program itself cannot be run.
        """
        return Verdict(True)

    def described_execution(self, on_all: bool) -> str:
        """What `executed` ran, for records."""
        return ""

    def verify(self, program: P) -> None:
        """Raises SpaceError if a pass broke the program."""

    def leave_out_undefined(self) -> bool:
        """Do without the check inputs on which the default program does what is undefined; whether there were any."""
        return False

    def prepare_whole_checks(self) -> None:
        """Compute what every check by `whole` compares with, and keep it for other workers."""

    def open_choices(self) -> dict[str, tuple[str, ...]]:
        """Lowering choice -> alternatives that change this model and are allowed."""
        return {}

    def starting_points(self, transferred: Sequence[str] = ()) -> tuple[str, ...]:
        """Recipes that a search starts from.

        Args:
            transferred: what won on similar models, to begin with.
        """
        return ()

    @abstractmethod
    def passes(self) -> Sequence[RecipePass]:
        """What may follow on a program, options at their defaults."""

    def successors(self, program: P) -> dict[str, str | None]:
        """Pass -> hash of the program after it, for all passes that change it; None where the pass fails."""
        before, found = self.program_hash(program), dict[str, str | None]()
        for one in self.passes():
            try:
                after = self.program_hash(self.passed(program, one))
            except SpaceError:
                found[str(one)] = None
                continue
            if after != before:
                found[str(one)] = after
        return found

    def sites(self, one: RecipePass, program: P) -> tuple[tuple[int, ...], int]:
        """The sites that a pass is for.

        Args:
            one: the pass.
            program: before the pass.

        Returns:
            Numbers of the sites chosen, from 1, and how many sites there are.
        """
        return (), 0

    def why_idle(self, element: Element, before: P, after: P) -> str | None:
        """Why an element of a recipe changed nothing, in one line; None if it changed something.

        Args:
            element: a choice with its alternative, or a pass.
            before: the program before it.
            after: the program after it.

        Returns:
            One line for people, or None.
        """
        if self.program_hash(before) != self.program_hash(after):
            return None
        text = "=".join(element) if isinstance(element, tuple) else str(element)
        return f"{text} changes nothing in this model"

    def bound(self) -> Bound | None:
        """What no candidate can go below; None where nothing is known."""
        return None

    @property
    def asked(self) -> Reuse:
        """How much was asked for so far, and how much of it was known."""
        return Reuse()
