"""What recipes make of one model for Cortex-M: lowered programs, priced by their instructions and run in Python."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch.export import ExportedProgram

from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import pass_instances
from workers.backend.cost import Cost, Row
from workers.backend.programs import Choices, Programs
from workers.cache.lru import LRU
from workers.checking.verdict import Verdict
from workers.cortex_m.base.base_program import CortexMBase, loaded
from workers.cortex_m.candidates.candidates import Candidate, Candidates, FloatRewrites
from workers.cortex_m.candidates.starting_points import starting_points
from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.drawn_inputs import drawn_like
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.compare import compare
from workers.cortex_m.cost.price import UNCOSTED, ProgramCost, price
from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.guards.all import verdicts
from workers.cortex_m.guards.float_operators import float_operators
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.guards.verdict import Verdict as Fault
from workers.cortex_m.lowering.write import Written, written
from workers.cortex_m.passes.base import CortexMPass
from workers.cortex_m.passes.lowered.mends.quantise_numbers import QuantiseNumbers
from workers.cortex_m.target import Target
from workers.errors import CompilerRefused, ModelError
from workers.models.exported.module_of import module_of

#: Files and outputs kept in memory.
_KEPT = 64

#: Passes with more sites are tried at all of them alone.
_MOST_SITES = 8


class CortexMPrograms(Programs[Candidate]):
    """Lowers by ExecuTorch's explicit-layout pipeline with passes inserted."""

    compiler: ClassVar[str] = "ExecuTorch"
    executes: ClassVar[bool] = True

    def __init__(
        self, base: CortexMBase, target: Target, seed: int, allowed: Exactness,
        requantise: Callable[[FloatRewrites], ExportedProgram],
    ) -> None:  # fmt: skip
        """Lower nothing yet.

        Args:
            base: the quantised model.
            target: to lower for.
            seed: of the random inputs that programs are compared on.
            allowed: the class up to which recipes are tried.
            requantise: quantises the model after changes of the float model.

        Raises:
            ModelError: the quantised model cannot be lowered to edge operators.
        """
        self.name, self.default, self.allowed = base.name, Candidate(), allowed
        self._target, self._seed, self._samples = target, seed, base.samples
        try:
            self._candidates = Candidates(loaded(base.quantised), target, requantise, base.image_order)
        except ModelError as error:
            raise ModelError(f"{base.name}: {error}") from error
        self._files: LRU[Written] = LRU(_KEPT)
        self._outputs: LRU[list[torch.Tensor]] = LRU(_KEPT)

    def program_hash(self, program: Candidate) -> str:
        return self._candidates.hash_of(program)

    def chosen(self, choices: Choices) -> Candidate:
        return self._candidates.by(Recipe(choices))

    def passed(self, program: Candidate, one: RecipePass) -> Candidate:
        return self._candidates.passed(program, one)

    def by(self, recipe: Recipe) -> Candidate:
        """The program that a recipe gives. Raises SpaceError if it is none, or a pass breaks it."""
        return self._candidates.by(recipe)

    def lowered(self, program: Candidate) -> ExportedProgram:
        """The program that runs on the target. Raises SpaceError if a pass breaks it."""
        return self._candidates.lowered(program)

    def file(self, program: Candidate) -> Written:
        """Its `.pte`. Raises CompilerRefused."""

        def made() -> Written:
            try:
                return written(self.lowered(program))
            except ModelError as error:
                raise CompilerRefused(str(error)) from error

        return self._files.find(program, made)

    def outputs(self, program: Candidate, inputs: tuple[Any, ...]) -> tuple[torch.Tensor, ...]:
        """What a program computes, by ExecuTorch's Python operators, or as the kernels do where these differ.

        Args:
            program: to run.
            inputs: as the model takes them.

        Returns:
            Tensors, as they leave the program.

        Raises:
            SpaceError: a pass breaks it.
        """
        return outputs_of(self.lowered(program), inputs, self._target.instruction_set)

    def cost(self, program: Candidate) -> Cost:
        lowered, file = self.lowered(program), self.file(program)
        found = self._priced(program)
        decided = found if self._distinguishable(self.default, program) else self._priced(self.default)
        kinds = [operator_of(node) for node in lowered.graph.nodes if node.op == "call_function"]
        metrics = {
            "instructions": found.instructions,
            "decided_instructions": decided.instructions,
            "uncosted": len(found.uncosted),
            "transposes": kinds.count("transpose") + kinds.count("permute_copy"),
            "float_operators": len(float_operators(lowered)),
            "operators": len(found.operators),
        }
        rows = tuple(
            Row(0, one.node, one.operator, one.formula or UNCOSTED, round(one.instructions or 0))
            for one in found.operators
        )
        digest = hashlib.sha256(file.content).hexdigest()
        return Cost(metrics, file.planned_sram, len(file.content), (digest,), rows)

    def tied(self, program: Candidate, cheapest: Candidate) -> bool:
        cost, least = self.cost(program), self.cost(cheapest)
        # A distinguishable program takes more than the cheapest, and operators without a known cost may take anything.
        if self._distinguishable(cheapest, program) or cost["uncosted"] > least["uncosted"]:
            return False
        # Being indistinguishable is not transitive. A known gain over the default lowering is not given up.
        default = self._priced(self.default).instructions
        counted, known = cost["decided_instructions"], least["decided_instructions"]
        return counted < default or counted == default <= known

    def equal(self, program: Candidate, reference: Candidate, whole: bool) -> Verdict:
        if self.program_hash(program) == self.program_hash(reference):
            return Verdict(True)
        # Python computes what lowering made wrong, too: then what is due is what the mended reference computes.
        due = self.passed(reference, QuantiseNumbers())
        for kind, inputs in self._inputs(whole):
            outcome = same_bits(self._values(program, kind, inputs), self._values(due, kind, inputs))
            if not outcome.equal:
                return Verdict(False, f"{outcome.message} on {kind} inputs")
        return Verdict(True)

    def described_check(self, exactness: Exactness, whole: bool) -> dict[str, Any]:
        kinds: dict[str, int] = {}
        for kind, _ in self._inputs(whole):
            kinds[kind.split()[0]] = kinds.get(kind.split()[0], 0) + 1
        return {
            "against": "the default lowering, bit for bit; with quantise-numbers where it leaves numbers unquantised",
            "computed": "by ExecuTorch's Python operators; average pools and quantisation as the kernels compute them",
            "inputs": [{"kind": kind, "count": count, "seed": self._seed} for kind, count in kinds.items()],
        }

    def executed(self, program: Candidate, whole: bool, on_all: bool, is_default: bool) -> Verdict:
        """What the guards say that the kernels do on the processor.

        Args:
            program: whose kernels are looked at.
            whole, on_all, is_default: nothing depends on them, since nothing is run.

        Returns:
            Whether the guards know of nothing; if they do, the worst of it.
        """
        for one in self._faults(program):
            at = (module_of(node) for node in self.lowered(program).graph.nodes if node.name == one.node)
            layer = next((f" (layer {name})" for name in at if name != one.node), "")
            return Verdict(False, f"it {one.severity.value} on {self._target.cpu}: {one.message}{layer}")
        return Verdict(True)

    def described_execution(self, on_all: bool) -> str:
        return "not run on a processor; the guards know of nothing that its kernels compute wrongly"

    def sites(self, one: RecipePass, program: Candidate) -> tuple[tuple[int, ...], int]:
        count = len(self._candidates.sites(program, one))
        return tuple(number for number in one.numbers or range(1, count + 1) if number <= count), count

    def successors(self, program: Candidate) -> dict[str, str | None]:
        """Also by single sites, where a pass has several."""
        found = super().successors(program)
        for one in self.passes():
            count = len(self._candidates.sites(program, one)) if found.get(str(one)) is not None else 0
            for number in range(1, count + 1) if 1 < count <= _MOST_SITES else ():
                at = replace(one, at=str(number))
                after = self.passed(program, at)
                if after is not program:
                    found[str(at)] = self.program_hash(after)
        return found

    def starting_points(self, transferred: Sequence[str] = ()) -> tuple[str, ...]:
        known = starting_points(self._candidates, lambda one: {fault.node for fault in self._faults(one)}, self.allowed)
        return tuple(dict.fromkeys((*transferred, *known)))

    def passes(self) -> Sequence[RecipePass]:
        return pass_instances(CortexMPass, self.allowed)

    def _faults(self, program: Candidate) -> list[Fault]:
        """What the guards complain of, the worst first; that something stays in float is no fault."""
        shapes = [tuple(value.shape) for value in self._values(self.default, "example", self._example)]
        found = verdicts(self.lowered(program), self._target, shapes)
        return [one for one in found if one.severity is not Severity.FLOAT]

    def _priced(self, program: Candidate) -> ProgramCost:
        return price(operator_calls(self.lowered(program)), self._target)

    def _distinguishable(self, first: Candidate, second: Candidate) -> bool:
        """Whether it is known which of two programs takes fewer instructions."""
        return compare(self._priced(first), self._priced(second), self._target.instruction_set).distinguishable

    @property
    def _example(self) -> tuple[Any, ...]:
        return self._samples[0]

    def _inputs(self, whole: bool) -> list[tuple[str, tuple[Any, ...]]]:
        """Names and values of the sets of inputs that programs are compared on."""
        random = np.random.default_rng(self._seed)
        samples = self._samples if whole else self._samples[:1]
        drawn = [drawn_like(self._example, random) for _ in range(3 if whole else 1)]
        return [
            *((f"random {at}", inputs) for at, inputs in enumerate(drawn)),
            *((f"calibration {at}", inputs) for at, inputs in enumerate(samples)),
        ]

    def _values(self, program: Candidate, kind: str, inputs: tuple[Any, ...]) -> list[torch.Tensor]:
        key = (program, kind)
        return self._outputs.find(key, lambda: list(self.outputs(program, inputs)))
