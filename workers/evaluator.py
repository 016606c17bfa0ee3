"""What a candidate costs and whether it is right.

One evaluator per model, target and worker process. It holds the base program's graphs, the default lowering's values on
the check inputs, and the programs that it has seen; what it finds out about a graph goes into the memo.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.passes.base import Pass
from search_space.recipe.idle_elements import Element, why_idle
from search_space.recipe.profitable_sites import applied, chosen_sites
from search_space.recipe.recipe import Recipe
from search_space.recipe.seed_recipes import starting_points
from search_space.recipe.space import hash_of_all, open_choices, program_hash
from search_space.tosa_file.reader import read_tosa
from workers.cache.hit_counts import Reuse
from workers.cache.kept_values import KeptValues
from workers.cache.lru import LRU
from workers.cache.memo import Memo
from workers.cache.successors import Successors
from workers.checking.allowance import Quality
from workers.checking.defined_inputs import DefinedInputs
from workers.checking.incremental_values import Values
from workers.checking.reference import ReferenceFailed
from workers.checking.reference_check import Outputs, Verdict, check
from workers.checking.whole_outputs import WholeOutputs
from workers.errors import ModelError
from workers.ethos_u.estimates.host_cost import host_cycles, interface_bytes
from workers.ethos_u.estimates.roofline import Bound, bound
from workers.ethos_u.lowering.base_program import BaseProgram
from workers.ethos_u.npu_model import MODEL_VERSION as NPU_MODEL_VERSION
from workers.ethos_u.stream_check.check import StreamCheck
from workers.ethos_u.stream_cost import MODEL_VERSION
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused
from workers.ethos_u.vela.facts import VelaFacts
from workers.ethos_u.vela.pricing import Cost, Pricing

#: Programs kept in memory per evaluator: what a search comes back to is mostly recent.
_KEPT_PROGRAMS = 256

#: Graphs and passes for some sites of which it is kept which sites those are.
_KEPT_SITES = 4096

#: How outputs are computed that are compared, for people.
_WHOLE = "whole programs on all inputs by the TOSA reference model"
_SHARED = "by the TOSA reference model on random inputs; on others by numpy where both agree on those"
_NOT_EXECUTED = "not executed: another candidate that is right costs less"

Program = tuple[Graph, ...]


@dataclass(frozen=True)
class Measure:
    """How good a program is that is not the default one bit for bit.

    allowed: the class up to which recipes are evaluated. of: measures a program. default: what `of` gives for stock
    ExecuTorch's. exact_base: whether the evaluator's own base program is stock ExecuTorch's bit for bit.
    """

    allowed: Exactness
    of: Callable[[Program], Quality]
    default: Quality
    exact_base: bool = True


@dataclass(frozen=True)
class Outcome:
    """What an evaluation found.

    Attributes:
        status: `ok` (compiled, and equal to the default lowering on all check inputs, or measured where the recipe has
            elements that are not exact), `wrong` (outputs differ, or a pass broke the program) or `refused` (Vela or a
            pass does not take it).
        reason: one line if not ok.
        stream_fault: in one line, what is wrong with the command streams of a program that is itself right: such an
            outcome may not be offered, but passes may lead on from it to one that may; empty if nothing is.
        executed: whether its command streams were; if not, it may not be offered.
        check: the inputs that were compared.
        host_ops: operators left on the CPU.
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
    host_ops: int = 0
    check: dict[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    exactness: Exactness = Exactness.EXACT
    quality: Quality | None = None
    default_quality: Quality | None = None
    reuse: Reuse = field(default_factory=Reuse)


Wanted = Callable[[Outcome], bool]
"""Whether the command streams of a candidate are to be executed, by what it came to otherwise."""


def always(_: Outcome) -> bool:
    """All command streams are to be executed."""
    return True


@dataclass(frozen=True)
class Expansion:
    """What can be gone on to from a candidate.

    successors: pass -> hash of the program after it, for passes that change its program. sites: for each pass of the
    recipe that is for some of its sites, by its place from 0: their numbers, and how many it has. reuse: as of
    `Outcome`.
    """

    successors: dict[str, str]
    sites: dict[int, tuple[tuple[int, ...], int]]
    reuse: Reuse = field(default_factory=Reuse)


class Evaluator:
    """Evaluates recipes for one base program and target.

    values: folder for values on the check inputs that take long to compute. seed: of the random check inputs.
    measure: None where only exact recipes are allowed. Raises ModelError if the base program is nothing that velatune
    can read or check.
    """

    def __init__(
        self, base: BaseProgram, target: Target, memo: Memo, values: Path, seed: int, measure: Measure | None = None
    ) -> None:
        self.base, self._target, self._memo, self._seed = base, target, memo, seed
        self._measure = measure
        self._allowed = measure.allowed if measure else Exactness.EXACT
        try:
            self._default: Program = tuple(
                verify(read_tosa(data, f"delegate {at}")) for at, data in enumerate(base.graphs)
            )
        except SpaceError as error:
            raise ModelError(f"{base.name}: {error}") from None
        self._values: dict[int, Values] = {}
        self._whole: dict[int, WholeOutputs] = {}
        self._programs: LRU[tuple[Program, tuple[str, ...]]] = LRU(_KEPT_PROGRAMS)
        self._sites: LRU[tuple[tuple[int, ...], int]] = LRU(_KEPT_SITES)
        self._toolchain = dict(sorted(base.versions.items()))
        self._kept_values = KeptValues(values, self._toolchain)
        self._facts = VelaFacts(target, memo, self._toolchain)
        self._pricing = Pricing(target, memo, self._toolchain)
        key = {"target": target.identity(), "base": base.key, "seed": seed, "versions": self._toolchain}
        self._streams = StreamCheck(self._pricing, memo, key)
        self._inputs = DefinedInputs(self._default, base.calibration_inputs, seed, memo, key)
        asked_about = {"target": target.identity(), "versions": self._toolchain, "stream cost": MODEL_VERSION}
        self._transitions = Successors(memo, self._facts, asked_about, self._allowed)
        self._checks_asked = self._checks_known = 0
        self._host_cycles = host_cycles(
            base.host_operators, map(interface_bytes, self._default), target.npu_cycles_per_cpu_cycle
        )

    def open_choices(self) -> dict[str, tuple[str, ...]]:
        """The lowering choices that change this model."""
        return open_choices(self._default, self._allowed)

    def bound(self) -> Bound:
        """What no candidate can go below."""
        return bound(self._default, self._target)

    def starting_points(self, learnt: Sequence[str] = ()) -> tuple[str, ...]:
        """Recipes that a search of this model starts from. learnt: what won on similar models, to begin with."""
        return starting_points(self._default, self._facts, self._allowed, learnt)

    def evaluate(self, text: str, whole: bool = False, wanted: Wanted = always, on_all: bool = False) -> Outcome:
        """Compile and check the candidate that the recipe `text` gives.

        Args:
            whole: check it by what the reference model says of whole programs, and execute its command streams, on all
                inputs. That takes seconds to minutes. Else programs are checked that share most of what they compute,
                and streams are executed on the random inputs alone, in milliseconds.
            wanted: whether its command streams are executed at all, if its programs are right. Those of the default
                lowering are executed always, as by `on_all`, since everything else is compared with it.
            on_all: if it is not `whole`, execute its streams on all inputs that programs which share what they compute
                are checked on.

        Raises SpaceError if the text is no recipe. What goes wrong with the candidate is in the outcome.
        """
        started, asked_before = time.perf_counter(), self._asked()
        recipe = Recipe.parse(text)

        def outcome(status: Literal["ok", "wrong", "refused"], of: Program | None, **more: Any) -> Outcome:
            path = self._reached(recipe)[1] if of is not None else ()
            return Outcome(
                str(recipe), status, path[-1] if path else "", time.perf_counter() - started,
                path=path, exactness=recipe.exactness, reuse=self._asked() - asked_before, **more,
            )  # fmt: skip

        if recipe.exactness > self._allowed:
            return outcome("refused", None, reason=f"it is {recipe.exactness}, which is not allowed")
        try:
            program = self._program(recipe)
        except SpaceError as error:
            return outcome("refused", None, reason=str(error))
        try:
            for graph in program:
                verify(graph)
        except SpaceError as error:
            return outcome("wrong", None, reason=str(error))
        try:
            cost = self._pricing.cost(program, self._host_cycles)
        except VelaRefused as error:
            return outcome("refused", program, reason=f"Vela: {error}")
        try:
            verdict, quality = self._verdict(recipe, whole)
            if not verdict.equal:
                return outcome("wrong", program, reason=verdict.reason)
            found = outcome(
                "ok",
                program,
                cost=cost,
                host_ops=len(self.base.host_operators),
                check=self._described_check(recipe, whole),
                quality=quality,
                default_quality=self._measure.default if self._measure else None,
            )
            is_default = _is_default(recipe)
            if not (whole or is_default or wanted(found)):
                return found
            on_all = whole or is_default or on_all
            fault = self._executed(program, whole, on_all, named=is_default).reason
        except ReferenceFailed as error:
            if self._inputs.leave_out():
                self._values.clear()
                self._whole.clear()
                return self.evaluate(text, whole, wanted, on_all)
            reason = f"it cannot be checked, the reference model does not run the default lowering ({error})"
            return outcome("refused", program, reason=reason)
        return replace(
            found, seconds=time.perf_counter() - started, stream_fault=fault, executed=True,
            check={**found.check, "stream": _stream_check(on_all), "executed": True},
        )  # fmt: skip

    def expansion(self, text: str) -> Expansion:
        """What can be gone on to from a candidate that was found right."""
        asked_before = self._asked()
        recipe = Recipe.parse(text)
        successors, sites = self._successors(recipe, self._program(recipe)), self.sites(recipe)
        return Expansion(successors, sites, self._asked() - asked_before)

    def expand(self, text: str, pass_text: str) -> dict[str, str]:
        """The successor of a candidate by one pass, as in `Expansion`; empty if the pass changes nothing."""
        recipe = Recipe.parse(text)
        longer = _longer(recipe, pass_text)
        try:
            path = self._reached(longer)[1]
        except SpaceError:
            return {pass_text: _no_program(longer)}
        return {} if path[-1] == path[len(recipe.passes)] else {pass_text: path[-1]}

    def _asked(self) -> Reuse:
        pricing, transitions = self._pricing, self._transitions
        checks = self._checks_asked, self._checks_known
        return Reuse(pricing.asked, pricing.known, *checks, transitions.asked, transitions.known)

    def _program(self, recipe: Recipe) -> Program:
        return self._reached(recipe)[0]

    def _reached(self, recipe: Recipe) -> tuple[Program, tuple[str, ...]]:
        """The candidate's graphs, and its path as in `Outcome`; prefixes of pass sequences are kept, since searches
        extend what they have seen."""
        return self._programs.find(str(recipe), lambda: self._built(recipe))

    def _built(self, recipe: Recipe) -> tuple[Program, tuple[str, ...]]:
        path: tuple[str, ...] = ()
        try:
            if recipe.passes:
                before, path = self._reached(Recipe(recipe.choices, recipe.passes[:-1]))
                program = tuple(applied(recipe.passes[-1], graph, self._facts) for graph in before)
            else:
                program = tuple(recipe.apply(graph, self._facts) for graph in self._default)
        except SpaceError:
            raise
        except Exception as error:  # whatever somebody's pass or choice raises on a program that it did not expect
            raise SpaceError(f"{recipe.elements[-1]} fails, {type(error).__name__}: {error}") from error
        return program, (*path, program_hash(program))

    def _successors(self, recipe: Recipe, program: Program) -> dict[str, str]:
        now = [graph.hash for graph in program]
        after = [self._transitions.of(graph) for graph in program]
        found = {}
        for name in sorted({name for each in after for name in each}):
            then = [each.get(name, graph) for each, graph in zip(after, now, strict=True)]
            # One that fails is a candidate like others: it is evaluated, and recorded as refused with the reason.
            known = [one for one in then if one is not None]
            found[name] = hash_of_all(known) if len(known) == len(then) else _no_program(_longer(recipe, name))
        return found

    def sites(self, recipe: Recipe) -> dict[int, tuple[tuple[int, ...], int]]:
        """As in `Expansion`. Delegates count their own; what is known here is of the one with the most."""
        found = {}
        for place, one in enumerate(recipe.passes):
            if one.at:
                before = self._program(Recipe(recipe.choices, recipe.passes[:place]))
                found[place] = max((self._chosen(one, graph) for graph in before), key=lambda sites: sites[1])
        return found

    def idle_elements(self, text: str) -> tuple[str, ...]:
        """A line for each element of a recipe that changes nothing in this model. Raises SpaceError as `evaluate`."""
        recipe = Recipe.parse(text)
        prefixes = [Recipe(recipe.choices[:place]) for place in range(len(recipe.choices) + 1)]
        prefixes += [Recipe(recipe.choices, recipe.passes[:place]) for place in range(1, len(recipe.passes) + 1)]
        elements: tuple[Element, ...] = (*recipe.choices, *recipe.passes)
        lines = (
            why_idle(element, self._program(before), self._program(after), "this model", self._facts)
            for element, before, after in zip(elements, prefixes[:-1], prefixes[1:], strict=True)
            if element not in recipe.setting
        )
        return tuple(line for line in lines if line is not None)

    def _chosen(self, one: Pass, graph: Graph) -> tuple[tuple[int, ...], int]:
        return self._sites.find((graph.hash, one), lambda: chosen_sites(one, graph, self._facts))

    def _verdict(self, recipe: Recipe, whole: bool) -> tuple[Verdict, Quality | None]:
        """Whether all that exact elements do is exact, and how good the program is.

        So a mistake of an exact pass does not hide in what the others may change.
        """
        for start, end in recipe.exact_stretches:
            reached = self._program(start)
            verdict = self._equal(self._program(end), reached, whole)
            if not verdict.equal:
                return verdict, None
        if self._measure is None:
            return verdict, None
        if self._measure.exact_base and self._equal(reached, self._default, whole).equal:
            return verdict, self._measure.default
        return verdict, self._measure.of(reached)

    def _equal(self, program: Program, reference: Program, whole: bool) -> Verdict:
        for at, (graph, default) in enumerate(zip(program, reference, strict=True)):
            if graph is default or graph.hash == default.hash:
                continue
            key = {
                "kind": "whole verdict" if whole else "verdict", "graph": graph.hash, "default": default.hash,
                "base": self.base.key, "seed": self._seed, "versions": self._toolchain,
            }  # fmt: skip
            known = self._memo.get(**key)
            self._checks_asked += 1
            self._checks_known += known is not None
            if known is None:
                known = asdict(check(graph, default, self._computed(at, whole)))
                self._memo.put_if_possible(known, **key)
            verdict = Verdict(**known)
            if not verdict.equal:
                return verdict
        return Verdict(True)

    def _executed(self, program: Program, whole: bool, on_all: bool, named: bool) -> Verdict:
        """Whether the program's command streams compute what the program does. whole, on_all, named: see
        `StreamCheck.verdict`."""
        for at, graph in enumerate(program):
            verdict = self._streams.verdict(graph, self._computed(at, whole), whole, on_all, named)
            if not verdict.equal:
                where = f"delegate {at}: " if len(program) > 1 else ""
                return Verdict(False, f"{where}{verdict.reason}")
        return Verdict(True)

    def _computed(self, at: int, whole: bool) -> Outputs:
        if not whole:
            return self._values_of(at)
        if at not in self._whole:
            self._whole[at] = WholeOutputs(self._inputs.of(at, more=True))
        return self._whole[at]

    def _values_of(self, at: int) -> Values:
        """Of the delegate's programs, on the check inputs."""
        if at not in self._values:
            self._values[at] = Values(self._inputs.of(at, more=False), self._kept_values)
        return self._values[at]

    def _described_check(self, recipe: Recipe, whole: bool) -> dict[str, Any]:
        kinds: dict[str, int] = {}
        for at in range(len(self._default)):
            for one in self._computed(at, whole).inputs:
                kinds[one.kind] = kinds.get(one.kind, 0) + 1
        seed = {"random": {"seed": self._seed}}
        exact = recipe.exactness == Exactness.EXACT
        against = "bit for bit" if exact else f"bit for bit but for what is {recipe.exactness}"
        return {
            "against": f"TOSA reference model, {against}",
            "computed": _WHOLE if whole else _SHARED,
            "stream": _NOT_EXECUTED,
            "executed": False,
            "whole": whole,
            "inputs": [{"kind": kind, "count": count, **seed.get(kind, {})} for kind, count in kinds.items()],
        }


def _is_default(recipe: Recipe) -> bool:
    return not recipe.elements


def _stream_check(on_all: bool) -> str:
    executed = f"executed by the NPU model {NPU_MODEL_VERSION}, bit for bit, on"
    return f"{executed} {'all' if on_all else 'random'} inputs; accesses and waits checked"


def _longer(recipe: Recipe, pass_text: str) -> Recipe:
    return Recipe(recipe.choices, (*recipe.passes, *Recipe.parse(pass_text).passes))


def _no_program(recipe: Recipe) -> str:
    """What stands for a program's hash where there is none."""
    return f"none by {recipe}"
