"""What a candidate costs and whether it is right.

One evaluator per model, target and worker process. It builds candidates from recipes and keeps those that it has seen.
It asks the target's backend what they cost, and whether they compute what the default lowering does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.recipe import Recipe
from workers.backend.bound import Bound
from workers.backend.cost import Cost
from workers.backend.programs import Element, Programs
from workers.cache.hit_counts import Reuse
from workers.cache.lru import LRU
from workers.checking.allowance import Quality
from workers.checking.verdict import Verdict
from workers.errors import CompilerRefused, ReferenceFailed

#: Programs kept in memory per evaluator: what a search comes back to is mostly recent.
_KEPT_PROGRAMS = 256

_NOT_EXECUTED = "not executed: another candidate that is right costs less"

P = TypeVar("P")


@dataclass(frozen=True)
class Measure(Generic[P]):
    """How good a program is that is not the default one bit for bit.

    Attributes:
        of: measures a program.
        default: what `of` gives for the stock toolchain's.
        exact_base: whether the evaluator's own base program is the stock toolchain's bit for bit.
    """

    of: Callable[[P], Quality]
    default: Quality
    exact_base: bool = True


@dataclass(frozen=True)
class Outcome:
    """What an evaluation found.

    Attributes:
        status: `ok`, `wrong` or `refused`. A program is `ok` if it was compiled and equals the default lowering on all
            check inputs. If the recipe has elements that are not exact, it is measured instead. It is `wrong` if
            outputs differ, or a pass broke the program. It is `refused` if the compiler or a pass does not take it.
        reason: one line if not ok.
        stream_fault: in one line, what is wrong with the compiler's output for a right program; else empty. Such an
            outcome may not be offered, but passes may lead on from it to one that may.
        executed: whether the compiler's output was executed, on targets where that is possible. If not, it may not be
            offered.
        check: the inputs that were compared.
        path: hash of the program that the choices give, then after each pass; empty if one fails.
        exactness: the class of the recipe.
        quality, default_quality: where other than exact recipes are allowed.
        reuse: what was known of what it took.
    """

    recipe: str
    status: Literal["ok", "wrong", "refused"]
    program_hash: str
    seconds: float
    reason: str = ""
    stream_fault: str = ""
    executed: bool = False
    cost: Cost | None = None
    check: dict[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    exactness: Exactness = Exactness.EXACT
    quality: Quality | None = None
    default_quality: Quality | None = None
    reuse: Reuse = field(default_factory=Reuse)


Wanted = Callable[[Outcome], bool]
"""Whether what the compiler emits for a candidate is to be executed, by what it came to otherwise."""


def always(_: Outcome) -> bool:
    """Everything is to be executed."""
    return True


@dataclass(frozen=True)
class Expansion:
    """What a search can go on to from a candidate.

    Attributes:
        successors: pass -> hash of the program after it, for passes that change its program.
        sites: for each pass of the recipe with some sites: place from 0 -> their numbers and their count.
        reuse: as of `Outcome`.
    """

    successors: dict[str, str]
    sites: dict[int, tuple[tuple[int, ...], int]]
    reuse: Reuse = field(default_factory=Reuse)


class Evaluator(Generic[P]):
    """Evaluates recipes for one base program and target."""

    def __init__(self, programs: Programs[P], measure: Measure[P] | None = None) -> None:
        """Evaluate nothing yet.

        Args:
            programs: of the base program, by the target's backend.
            measure: measures quality; None where only exact recipes are allowed.
        """
        self._programs, self._measure = programs, measure
        self._built_programs: LRU[tuple[P, tuple[str, ...]]] = LRU(_KEPT_PROGRAMS)

    def open_choices(self) -> dict[str, tuple[str, ...]]:
        """The lowering choices that change this model."""
        return self._programs.open_choices()

    def bound(self) -> Bound | None:
        """What no candidate can go below; None where nothing is known."""
        return self._programs.bound()

    def starting_points(self, transferred: Sequence[str] = ()) -> tuple[str, ...]:
        """Recipes that a search of this model starts from.

        Args:
            transferred: what won on similar models, to begin with.
        """
        return self._programs.starting_points(transferred)

    def prepare_whole_checks(self) -> None:
        """See `Programs.prepare_whole_checks`."""
        self._programs.prepare_whole_checks()

    def evaluate(self, recipe: Recipe, whole: bool = False, wanted: Wanted = always, on_all: bool = False) -> Outcome:
        """Compile and check the candidate that a recipe gives.

        Args:
            recipe: of the candidate.
            whole: check it by the reference model's run of whole programs, and execute the result on all inputs. That
                takes seconds to minutes. Else programs with most values in common are checked. The compiled program is
                executed on the random inputs alone, in milliseconds.
            wanted: whether what is emitted is executed at all, if its programs are right. That of the default lowering
                is executed always, as by `on_all`, since everything else is compared with it.
            on_all: without `whole`, execute on all inputs that programs with values in common are checked on.

        Returns:
            What came of it; what goes wrong with the candidate is in there.
        """
        started, asked_before = time.perf_counter(), self._programs.asked

        def outcome(status: Literal["ok", "wrong", "refused"], of: P | None, **more: Any) -> Outcome:
            path = self._reached(recipe)[1] if of is not None else ()
            return Outcome(
                str(recipe), status, path[-1] if path else "", time.perf_counter() - started,
                path=path, exactness=recipe.exactness, reuse=self._programs.asked - asked_before, **more,
            )  # fmt: skip

        if recipe.exactness > self._programs.allowed:
            return outcome("refused", None, reason=f"it is {recipe.exactness}, which is not allowed")
        try:
            program = self._program(recipe)
        except SpaceError as error:
            return outcome("refused", None, reason=str(error))
        try:
            self._programs.verify(program)
        except SpaceError as error:
            return outcome("wrong", None, reason=str(error))
        try:
            cost = self._programs.cost(program)
        except CompilerRefused as error:
            return outcome("refused", program, reason=f"{self._programs.compiler}: {error}")
        try:
            return self._checked(recipe, program, cost, outcome, whole, wanted, on_all)
        except ReferenceFailed as error:
            if self._programs.leave_out_undefined():
                return self.evaluate(recipe, whole, wanted, on_all)
            reason = f"it cannot be checked, the reference model does not run the default lowering ({error})"
            return outcome("refused", program, reason=reason)

    def _checked(
        self, recipe: Recipe, program: P, cost: Cost, outcome: Callable[..., Outcome], whole: bool, wanted: Wanted,
        on_all: bool,
    ) -> Outcome:  # fmt: skip
        """What comes of comparing a candidate that compiles, and of executing what is emitted for it. Arguments as of
        `evaluate`. Raises ReferenceFailed."""
        verdict, quality = self._verdict(recipe, whole)
        if not verdict.equal:
            return outcome("wrong", program, reason=verdict.reason)
        found = outcome(
            "ok",
            program,
            cost=cost,
            check=self._described_check(recipe, whole),
            executed=not self._programs.executes,
            quality=quality,
            default_quality=self._measure.default if self._measure else None,
        )
        is_default = not recipe.elements
        if not self._programs.executes or not (whole or is_default or wanted(found)):
            return found
        started = time.perf_counter()
        on_all = whole or is_default or on_all
        fault = self._programs.executed(program, whole, on_all, is_default).reason
        return replace(
            found, seconds=found.seconds + time.perf_counter() - started, stream_fault=fault, executed=True,
            check={**found.check, "stream": self._programs.described_execution(on_all), "executed": True},
        )  # fmt: skip

    def tied(self, recipe: Recipe, cheapest: Recipe) -> Outcome | None:
        """A candidate that may be taken instead of the cheapest one, see `Programs.tied`.

        Args:
            recipe: of a candidate that was found right.
            cheapest: of the cheapest one.

        Returns:
            What the candidate comes to as `whole`; None if it may not be taken.
        """
        is_tied = self._programs.tied(self._program(recipe), self._program(cheapest))
        return self.evaluate(recipe, whole=True) if is_tied else None

    def expansion(self, recipe: Recipe) -> Expansion:
        """What a search can go on to from a candidate that was found right."""
        asked_before = self._programs.asked
        successors = {
            # One that fails is a candidate like others: it is evaluated, and recorded as refused with the reason.
            name: after or _no_program(_longer(recipe, *Recipe.parse(name).passes))
            for name, after in self._programs.successors(self._program(recipe)).items()
        }
        return Expansion(successors, self.sites(recipe), self._programs.asked - asked_before)

    def expand(self, recipe: Recipe, one: RecipePass) -> dict[str, str]:
        """The successor of a candidate by one pass, as in `Expansion`.

        Args:
            recipe: of the candidate.
            one: the pass.

        Returns:
            The pass and the program's hash; empty if the pass changes nothing.
        """
        longer = _longer(recipe, one)
        try:
            path = self._reached(longer)[1]
        except SpaceError:
            return {str(one): _no_program(longer)}
        return {} if path[-1] == path[len(recipe.passes)] else {str(one): path[-1]}

    def sites(self, recipe: Recipe) -> dict[int, tuple[tuple[int, ...], int]]:
        """As in `Expansion`."""
        return {
            place: self._programs.sites(one, self._program(Recipe(recipe.choices, recipe.passes[:place])))
            for place, one in enumerate(recipe.passes)
            if one.at
        }

    def idle_elements(self, recipe: Recipe) -> tuple[str, ...]:
        """A line for each element of a recipe that changes nothing in this model. Raises SpaceError if one fails."""
        prefixes = [Recipe(recipe.choices[:place]) for place in range(len(recipe.choices) + 1)]
        prefixes += [Recipe(recipe.choices, recipe.passes[:place]) for place in range(1, len(recipe.passes) + 1)]
        elements: tuple[Element, ...] = (*recipe.choices, *recipe.passes)
        lines = (
            self._programs.why_idle(element, self._program(before), self._program(after))
            for element, before, after in zip(elements, prefixes[:-1], prefixes[1:], strict=True)
            if element not in recipe.setting
        )
        return tuple(line for line in lines if line is not None)

    def _program(self, recipe: Recipe) -> P:
        return self._reached(recipe)[0]

    def _reached(self, recipe: Recipe) -> tuple[P, tuple[str, ...]]:
        """The candidate's program, and its path as in `Outcome`; prefixes of pass sequences are kept, since searches
        extend what they have seen."""
        return self._built_programs.find(str(recipe), lambda: self._built(recipe))

    def _built(self, recipe: Recipe) -> tuple[P, tuple[str, ...]]:
        path: tuple[str, ...] = ()
        try:
            if recipe.passes:
                before, path = self._reached(Recipe(recipe.choices, recipe.passes[:-1]))
                program = self._programs.passed(before, recipe.passes[-1])
            else:
                program = self._programs.chosen(recipe.choices)
        except SpaceError:
            raise
        except Exception as error:  # whatever somebody's pass or choice raises on a program that it did not expect
            raise SpaceError(f"{recipe.elements[-1]} fails, {type(error).__name__}: {error}") from error
        return program, (*path, self._programs.program_hash(program))

    def _verdict(self, recipe: Recipe, whole: bool) -> tuple[Verdict, Quality | None]:
        """Whether all that exact elements do is exact, and how good the program is.

        So a mistake of an exact pass does not hide in what the others may change.
        """
        for start, end in recipe.exact_stretches:
            reached = self._program(start)
            verdict = self._programs.equal(self._program(end), reached, whole)
            if not verdict.equal:
                return verdict, None
        if self._measure is None:
            return verdict, None
        if self._programs.measures_files:
            return verdict, self._measure.of(self._program(recipe))
        if self._measure.exact_base and self._programs.equal(reached, self._programs.default, whole).equal:
            return verdict, self._measure.default
        return verdict, self._measure.of(reached)

    def _described_check(self, recipe: Recipe, whole: bool) -> dict[str, Any]:
        described = {**self._programs.described_check(recipe.exactness, whole), "whole": whole}
        if not self._programs.executes:
            return described
        return {**described, "stream": _NOT_EXECUTED, "executed": False}


def _longer(recipe: Recipe, *passes: RecipePass) -> Recipe:
    return Recipe(recipe.choices, (*recipe.passes, *passes))


def _no_program(recipe: Recipe) -> str:
    """What stands for a program's hash where there is none."""
    return f"none by {recipe}"
