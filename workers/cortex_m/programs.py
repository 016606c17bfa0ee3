"""What recipes make of one model for Cortex-M: lowered programs, priced by their instructions and run in Python."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch.export import ExportedProgram

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.space import pass_instances
from workers.backend.cost import Cost, Row
from workers.backend.programs import Choices, Programs
from workers.cache.lru import LRU
from workers.checking.verdict import Verdict
from workers.cortex_m.base_program import CortexMBase, loaded
from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.price import price
from workers.cortex_m.cost.view import operator_calls, operator_of
from workers.cortex_m.guards.all import verdicts
from workers.cortex_m.guards.float_operators import float_operators
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.inserted import lowered_with
from workers.cortex_m.lowering.write import Written, written
from workers.cortex_m.passes.base import CortexMPass, Rewrite
from workers.cortex_m.passes.drop_unused_constants import DropUnusedConstants, without_unused_constants
from workers.cortex_m.target import Target
from workers.errors import CompilerRefused, ModelError

#: Lowered programs, their outputs and files, kept in memory.
_KEPT = 64

#: Passes with more sites are tried at all of them alone.
_MOST_SITES = 8

#: In the order in which a recipe that takes all of them is sensible.
STARTING_POINTS = (
    "drop-clones,fold-clones,sink-elementwise,sink-splits,pad-into-convolution,depthwise-to-convolution,"
    "stride-to-channels,row-along-height,drop-unused-constants",
    "drop-clones,fold-clones,sink-elementwise,sink-splits,pad-into-convolution,depthwise-to-convolution,"
    "linear-to-convolution,drop-unused-constants",
    "drop-clones,fold-clones,row-along-height,drop-unused-constants",
    "pad-apart,drop-unused-constants",
    "row-along-height,drop-unused-constants",
    "drop-unused-constants",
)

Passes = tuple[RecipePass, ...]
"""A program: the passes that it is lowered with, in order."""


class CortexMPrograms(Programs[Passes]):
    """Lowers by ExecuTorch's explicit-layout pipeline with passes inserted.

    Args:
        samples: calibration inputs that programs are compared on besides random ones.
        seed: of the random ones.
    """

    compiler: ClassVar[str] = "ExecuTorch"
    executes: ClassVar[bool] = True

    def __init__(
        self, base: CortexMBase, target: Target, samples: Sequence[tuple[Any, ...]], seed: int, allowed: Exactness
    ) -> None:
        self.name, self.default, self.allowed = base.name, (), allowed
        self._target, self._seed, self._samples = target, seed, samples
        self._quantised = loaded(base.quantised)
        self._edge = to_edge(self._quantised)
        self._programs: LRU[ExportedProgram] = LRU(_KEPT)
        self._hashes: LRU[str] = LRU(_KEPT)
        self._files: LRU[Written] = LRU(_KEPT)
        self._outputs: LRU[list[torch.Tensor]] = LRU(_KEPT)

    def program_hash(self, program: Passes) -> str:
        return self._hashes.find(program, lambda: _hash_of(self.lowered(program)))

    def chosen(self, choices: Choices) -> Passes:
        if choices:
            raise SpaceError(f"{choices[0][0]} is no choice for Cortex-M")
        return ()

    def passed(self, program: Passes, one: RecipePass) -> Passes:
        if not isinstance(one, CortexMPass):
            raise SpaceError(f"{one.name} is no pass for Cortex-M")
        after = (*program, one)
        return program if self.program_hash(after) == self.program_hash(program) else after

    def lowered(self, program: Passes) -> ExportedProgram:
        """The program that runs on the target. Raises SpaceError if a pass breaks it."""
        return self._programs.find(program, lambda: self._made(program))

    def file(self, program: Passes) -> Written:
        """Its `.pte`. Raises CompilerRefused."""

        def made() -> Written:
            try:
                return written(self.lowered(program))
            except ModelError as error:
                raise CompilerRefused(str(error)) from error

        return self._files.find(program, made)

    def cost(self, program: Passes) -> Cost:
        lowered, file = self.lowered(program), self.file(program)
        calls = operator_calls(lowered)
        found = price(calls, self._target)
        kinds = [operator_of(node) for node in lowered.graph.nodes if node.op == "call_function"]
        metrics = {
            "instructions": found.instructions,
            "uncosted": len(found.uncosted),
            "transposes": kinds.count("transpose") + kinds.count("permute_copy"),
            "float_operators": len(float_operators(lowered)),
            "operators": len(calls),
        }
        rows = tuple(
            Row(0, one.node, one.operator, one.formula or "uncosted", round(one.instructions or 0))
            for one in found.operators
        )
        digest = hashlib.sha256(file.content).hexdigest()
        return Cost(metrics, file.planned_sram, len(file.content), (digest,), rows)

    def equal(self, program: Passes, reference: Passes, whole: bool) -> Verdict:
        if self.program_hash(program) == self.program_hash(reference):
            return Verdict(True)
        for kind, inputs in self._inputs(whole):
            outcome = same_bits(self._values(program, kind, inputs), self._values(reference, kind, inputs))
            if not outcome.equal:
                return Verdict(False, f"{outcome.message} on {kind} inputs")
        return Verdict(True)

    def described_check(self, exactness: Exactness, whole: bool) -> dict[str, Any]:
        kinds: dict[str, int] = {}
        for kind, _ in self._inputs(whole):
            kinds[kind.split()[0]] = kinds.get(kind.split()[0], 0) + 1
        return {
            "against": "the default lowering, bit for bit",
            "computed": "by ExecuTorch's Python operators, average pools as the kernel computes them",
            "inputs": [{"kind": kind, "count": count, "seed": self._seed} for kind, count in kinds.items()],
        }

    def executed(self, program: Passes, whole: bool, on_all: bool, is_default: bool) -> Verdict:
        """What the guards say that the kernels do on the processor."""
        shapes = [tuple(value.shape) for value in self._values((), "example", self._example)]
        for one in verdicts(self.lowered(program), self._target, shapes):
            if one.severity is not Severity.FLOAT:
                return Verdict(False, f"it {one.severity.value} on {self._target.cpu}: {one.message}")
        return Verdict(True)

    def described_execution(self, on_all: bool) -> str:
        return "not run on a processor; the guards know of nothing that its kernels compute wrongly"

    def sites(self, one: RecipePass, program: Passes) -> tuple[tuple[int, ...], int]:
        count = len(self._sites_of(program, one))
        return tuple(number for number in one.numbers or range(1, count + 1) if number <= count), count

    def successors(self, program: Passes) -> dict[str, str | None]:
        """Also by single sites, where a pass has several."""
        found = super().successors(program)
        for one in self.passes():
            count = len(self._sites_of(program, one)) if str(one) in found else 0
            for number in range(1, count + 1) if 1 < count <= _MOST_SITES else ():
                at = replace(one, at=str(number))
                after = self.passed(program, at)
                if after is not program:
                    found[str(at)] = self.program_hash(after)
        return found

    def starting_points(self, transferred: Sequence[str] = ()) -> tuple[str, ...]:
        return (*transferred, *STARTING_POINTS)

    def passes(self) -> Sequence[RecipePass]:
        return pass_instances(CortexMPass, self.allowed)

    def _made(self, program: Passes) -> ExportedProgram:
        try:
            lowered, _ = lowered_with(self._edge, self._target, _rewrites(program))
        except ModelError as error:
            raise SpaceError(str(error)) from error
        dropped = any(isinstance(one, DropUnusedConstants) for one in program)
        return without_unused_constants(lowered) if dropped else lowered

    def _sites_of(self, program: Passes, one: RecipePass) -> list[str]:
        """Names of the sites that a pass has in a program."""
        if not isinstance(one, Rewrite):
            return []
        everywhere = replace(one, at="")
        _, found = lowered_with(self._edge, self._target, [*_rewrites(program), everywhere])
        return found.get(str(everywhere), [])

    @property
    def _example(self) -> tuple[Any, ...]:
        return self._samples[0]

    def _inputs(self, whole: bool) -> list[tuple[str, tuple[Any, ...]]]:
        """Names and values of the sets of inputs that programs are compared on."""
        random = np.random.default_rng(self._seed)
        samples = self._samples if whole else self._samples[:1]
        drawn = [tuple(_drawn(value, random) for value in self._example) for _ in range(3 if whole else 1)]
        return [
            *((f"random {at}", inputs) for at, inputs in enumerate(drawn)),
            *((f"calibration {at}", inputs) for at, inputs in enumerate(samples)),
        ]

    def _values(self, program: Passes, kind: str, inputs: tuple[Any, ...]) -> list[torch.Tensor]:
        key = (program, kind)
        return self._outputs.find(key, lambda: list(outputs_of(self.lowered(program), inputs)))


def _rewrites(program: Passes) -> list[Rewrite]:
    return [one for one in program if isinstance(one, Rewrite)]


def _drawn(value: Any, random: np.random.Generator) -> Any:
    """Values as large as those of an input; what is no float tensor stays as it is."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return value
    scale = float(value.abs().max()) or 1.0
    drawn = torch.from_numpy(random.uniform(-scale, scale, tuple(value.shape))).to(value.dtype)
    return torch.empty_like(value).copy_(drawn)


def _hash_of(program: ExportedProgram) -> str:
    """Equal for programs of equal operators, arguments and constants."""
    digest = hashlib.blake2b(digest_size=16)
    names = {node: f"%{at}" for at, node in enumerate(program.graph.nodes)}
    for node in program.graph.nodes:
        shown = torch.fx.node.map_arg((node.args, node.kwargs), lambda one: names[one])
        shape = getattr(node.meta.get("val"), "shape", "")
        digest.update(f"{node.op} {operator_of(node) if node.op == 'call_function' else ''} {shown} {shape}\n".encode())
    for _, value in sorted({**program.state_dict, **program.constants}.items()):
        if isinstance(value, torch.Tensor):
            digest.update(str(tuple(value.shape)).encode() + value.detach().contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()
