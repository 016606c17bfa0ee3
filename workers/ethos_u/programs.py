"""What recipes make of one model's delegates: TOSA graphs, which Vela compiles and the reference model runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.idle_elements import why_idle
from search_space.recipe.profitable_sites import applied, chosen_sites
from search_space.recipe.recipe import Recipe
from search_space.recipe.seed_recipes import starting_points
from search_space.recipe.space import hash_of_all, open_choices, program_hash, tosa_passes
from search_space.tosa_file.reader import read_tosa
from workers.backend.bound import Bound
from workers.backend.cost import Cost
from workers.backend.programs import Choices, Element, Programs
from workers.cache.hit_counts import Reuse
from workers.cache.kept_values import KeptValues
from workers.cache.lru import LRU
from workers.cache.memo import Memo
from workers.cache.successors import Successors
from workers.checking.defined_inputs import DefinedInputs
from workers.checking.incremental_values import Values
from workers.checking.reference_check import Outputs, check
from workers.checking.verdict import Verdict
from workers.checking.whole_outputs import WholeOutputs
from workers.errors import ModelError, ReferenceFailed
from workers.ethos_u.cost.estimates.host_cost import host_cycles, interface_bytes
from workers.ethos_u.cost.estimates.roofline import bound
from workers.ethos_u.cost.stream_cost import MODEL_VERSION
from workers.ethos_u.lowering.base_program import BaseProgram
from workers.ethos_u.metrics import cost_of
from workers.ethos_u.npu_model import MODEL_VERSION as NPU_MODEL_VERSION
from workers.ethos_u.stream_check.check import StreamCheck
from workers.ethos_u.target import Target
from workers.ethos_u.vela.facts import VelaFacts
from workers.ethos_u.vela.pricing import Pricing

#: Graphs and passes for some sites of which it is kept which sites those are.
_KEPT_SITES = 4096

#: How outputs are computed that are compared, for people.
_WHOLE = "whole programs on all inputs by the TOSA reference model"
_SHARED = "by the TOSA reference model on random inputs; on others by numpy where both agree on those"

Delegates = tuple[Graph, ...]
"""A program: one graph for each delegate, in call order."""


class TosaPrograms(Programs[Delegates]):
    """It holds the base program's graphs and the default lowering's values on the check inputs. What it finds out about
    a graph goes into the memo.

    Raises:
        ModelError: the base program is nothing that velatune can read or check.
    """

    compiler: ClassVar[str] = "Vela"
    executes: ClassVar[bool] = True

    def __init__(
        self, base: BaseProgram, target: Target, memo: Memo, values: Path, seed: int,
        allowed: Exactness = Exactness.EXACT,
    ) -> None:  # fmt: skip
        """Read the graphs of a base program; nothing is compiled.

        Args:
            base: the default program of the job, or the one by a setting.
            target: the accelerator and its board.
            memo: keeps what is found out about graphs.
            values: folder for values on the check inputs that take long to compute.
            seed: of the random check inputs.
            allowed: the class up to which recipes are tried.

        Raises:
            ModelError: a graph cannot be read or is ill-formed.
        """
        self.base, self._target, self._memo, self._seed = base, target, memo, seed
        self.name, self.allowed = base.name, allowed
        try:
            self.default = tuple(verify(read_tosa(data, f"delegate {at}")) for at, data in enumerate(base.graphs))
        except SpaceError as error:
            raise ModelError(f"{base.name}: {error}") from None
        self._values: dict[int, Values] = {}
        self._whole: dict[int, WholeOutputs] = {}
        self._sites: LRU[tuple[tuple[int, ...], int]] = LRU(_KEPT_SITES)
        self._toolchain = dict(sorted(base.versions.items()))
        self._kept_values = KeptValues(values, self._toolchain)
        self._facts = VelaFacts(target, memo, self._toolchain)
        self._pricing = Pricing(target, memo, self._toolchain)
        key = {"target": target.identity(), "base": base.key, "seed": seed, "versions": self._toolchain}
        self._streams = StreamCheck(self._pricing, memo, key)
        self._inputs = DefinedInputs(self.default, base.calibration_inputs, seed, memo, key)
        asked_about = {"target": target.identity(), "versions": self._toolchain, "stream cost": MODEL_VERSION}
        self._successors = Successors(memo, self._facts, asked_about, allowed)
        self._checks_asked = self._checks_known = 0
        self._host_cycles = host_cycles(
            base.host_operators, map(interface_bytes, self.default), target.npu_cycles_per_cpu_cycle
        )

    def program_hash(self, program: Delegates) -> str:
        return program_hash(program)

    def chosen(self, choices: Choices) -> Delegates:
        return tuple(Recipe(choices).apply(graph, self._facts) for graph in self.default)

    def passed(self, program: Delegates, one: RecipePass) -> Delegates:
        return tuple(applied(one, graph, self._facts) for graph in program)

    def verify(self, program: Delegates) -> None:
        for graph in program:
            verify(graph)

    def cost(self, program: Delegates) -> Cost:
        return cost_of(self._pricing.cost(program, self._host_cycles), len(self.base.host_operators))

    def equal(self, program: Delegates, reference: Delegates, whole: bool) -> Verdict:
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

    def executed(self, program: Delegates, whole: bool, on_all: bool, is_default: bool) -> Verdict:
        for at, graph in enumerate(program):
            verdict = self._streams.verdict(graph, self._computed(at, whole), whole, on_all, named=is_default)
            if not verdict.equal:
                where = f"delegate {at}: " if len(program) > 1 else ""
                return Verdict(False, f"{where}{verdict.reason}")
        return Verdict(True)

    def described_execution(self, on_all: bool) -> str:
        executed = f"executed by the NPU model {NPU_MODEL_VERSION}, bit for bit, on"
        return f"{executed} {'all' if on_all else 'random'} inputs; accesses and waits checked"

    def described_check(self, exactness: Exactness, whole: bool) -> dict[str, Any]:
        kinds: dict[str, int] = {}
        for at in range(len(self.default)):
            for one in self._computed(at, whole).inputs:
                kinds[one.kind] = kinds.get(one.kind, 0) + 1
        seed = {"random": {"seed": self._seed}}
        against = "bit for bit" if exactness == Exactness.EXACT else f"bit for bit but for what is {exactness}"
        return {
            "against": f"TOSA reference model, {against}",
            "computed": _WHOLE if whole else _SHARED,
            "inputs": [{"kind": kind, "count": count, **seed.get(kind, {})} for kind, count in kinds.items()],
        }

    def leave_out_undefined(self) -> bool:
        if not self._inputs.leave_out():
            return False
        self._values.clear()
        self._whole.clear()
        return True

    def prepare_whole_checks(self) -> None:
        for at, graph in enumerate(self.default):
            with suppress(ReferenceFailed):  # a check looks for the inputs that are at fault
                self._computed(at, whole=True).outputs(graph)

    def open_choices(self) -> dict[str, tuple[str, ...]]:
        return open_choices(self.default, self.allowed)

    def starting_points(self, transferred: Sequence[str] = ()) -> tuple[str, ...]:
        return starting_points(self.default, self._facts, self.allowed, transferred)

    def passes(self) -> Sequence[RecipePass]:
        return tosa_passes(self.allowed)

    def successors(self, program: Delegates) -> dict[str, str | None]:
        now = [graph.hash for graph in program]
        after = [self._successors.of(graph) for graph in program]
        found: dict[str, str | None] = {}
        for name in sorted({name for each in after for name in each}):
            then = [each.get(name, graph) for each, graph in zip(after, now, strict=True)]
            known = [one for one in then if one is not None]
            found[name] = hash_of_all(known) if len(known) == len(then) else None
        return found

    def sites(self, one: RecipePass, program: Delegates) -> tuple[tuple[int, ...], int]:
        """Delegates count their own; what is returned is of the one with the most.

        Args:
            one: the pass.
            program: a graph for each delegate.

        Returns:
            Numbers of the sites chosen, from 1, and how many sites there are.
        """
        return max((self._chosen(one, graph) for graph in program), key=lambda sites: sites[1])

    def why_idle(self, element: Element, before: Delegates, after: Delegates) -> str | None:
        return why_idle(element, before, after, "this model", self._facts)

    def bound(self) -> Bound:
        return bound(self.default, self._target)

    @property
    def asked(self) -> Reuse:
        pricing, successors = self._pricing, self._successors
        checks = self._checks_asked, self._checks_known
        return Reuse(pricing.asked, pricing.known, *checks, successors.asked, successors.known)

    def _chosen(self, one: RecipePass, graph: Graph) -> tuple[tuple[int, ...], int]:
        return self._sites.find((graph.hash, one), lambda: chosen_sites(one, graph, self._facts))

    def _computed(self, at: int, whole: bool) -> Outputs:
        if not whole:
            return self._values_of(at)
        if at not in self._whole:
            self._whole[at] = WholeOutputs(self._inputs.of(at, more=True), self.default[at], self._kept_values)
        return self._whole[at]

    def _values_of(self, at: int) -> Values:
        """Of the delegate's programs, on the check inputs."""
        if at not in self._values:
            self._values[at] = Values(self._inputs.of(at, more=False), self._kept_values)
        return self._values[at]
