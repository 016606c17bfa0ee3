"""Lowers one model for Vulkan by recipes, counts what the programs cost, refuses those that the runtime is known to
fail on, and runs the others in Python."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any, ClassVar

import torch

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import pass_instances
from workers.backend.cost import Cost, Row
from workers.backend.programs import Choices, Programs
from workers.cache.lru import LRU
from workers.checking.allowance import Quality
from workers.checking.verdict import Verdict
from workers.errors import CompilerRefused, ModelError
from workers.models.types import ExportedModel
from workers.vulkan.check.quality import quality
from workers.vulkan.check.run import run_lowered
from workers.vulkan.cost.facts import bytes_by_operator, facts
from workers.vulkan.cost.objective import lexicographic_cost
from workers.vulkan.gate.verdict import verdict
from workers.vulkan.lowered_graphs import graphs_of
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.lowering import lower, model_layers
from workers.vulkan.passes.base import Rewrite
from workers.vulkan.passes.registry import REWRITES
from workers.vulkan.space.recipe import VulkanRecipe
from workers.vulkan.space.space import VulkanSpace, space_of
from workers.vulkan.target import VulkanTarget

#: Lowered programs and their outputs, kept in memory.
_KEPT = 32


class VulkanPrograms(Programs[VulkanRecipe]):
    """Lowers by ExecuTorch's Vulkan partitioner.

    Args:
        samples: inputs that schemes are calibrated on, and that programs are compared on.
    """

    compiler: ClassVar[str] = "ExecuTorch"
    executes: ClassVar[bool] = True

    def __init__(
        self, model: ExportedModel, target: VulkanTarget, samples: Sequence[tuple[Any, ...]], allowed: Exactness
    ) -> None:
        self.name, self.default, self.allowed = model.name, VulkanRecipe(), allowed
        self._model, self._target, self._samples = model, target, samples
        self._layers = model_layers(model)
        self._lowered: LRU[Lowered | ModelError] = LRU(_KEPT)
        self._outputs: LRU[list[tuple[torch.Tensor, ...]]] = LRU(_KEPT)
        self._space: VulkanSpace | None = None

    @property
    def space(self) -> VulkanSpace:
        """What there is to choose for the model. Found once; it lowers the model a few times."""
        if self._space is None:
            self._space = space_of(self._model, self._target, self._samples)
        return self._space

    def program_hash(self, program: VulkanRecipe) -> str:
        try:
            lowered = self.lowered(program)
        except CompilerRefused as error:
            return hashlib.blake2b(f"{program.recipe}: {error}".encode(), digest_size=16).hexdigest()
        digest = hashlib.blake2b(digest_size=16)
        for one in lowered.delegates:
            digest.update(hashlib.blake2b(one.data).digest())
        digest.update(repr([one.operator for one in lowered.host_operators]).encode())
        return digest.hexdigest()

    def chosen(self, choices: Choices) -> VulkanRecipe:
        program = VulkanRecipe.of(Recipe(choices))
        program.settings(self._layers)  # raises where a scheme does not fit its layer
        return program

    def passed(self, program: VulkanRecipe, one: RecipePass) -> VulkanRecipe:
        if not isinstance(one, Rewrite):
            raise SpaceError(f"{one.name} is no pass for Vulkan")
        others = [other for other in program.passes if other.name != one.name]
        order = list(REWRITES)
        after = replace(program, passes=tuple(sorted((*others, one), key=lambda each: order.index(each.name))))
        return program if self.program_hash(after) == self.program_hash(program) else after

    def lowered(self, program: VulkanRecipe) -> Lowered:
        """The program that the runtime would get. Raises CompilerRefused."""

        def made() -> Lowered | ModelError:
            try:
                return lower(self._model, self._target, program.settings(self._layers), self._samples)
            except ModelError as error:
                return error

        found = self._lowered.find(program, made)
        if isinstance(found, ModelError):
            raise CompilerRefused(str(found)) from found
        return found

    def cost(self, program: VulkanRecipe) -> Cost:
        lowered = self.lowered(program)
        counted = facts(lowered)
        metrics = {
            "order": lexicographic_cost(counted),
            "host_operators": counted.host_operators,
            "delegates": counted.delegates,
            "moved_bytes": counted.moved_bytes,
            "operations": counted.operations,
            "transitions": counted.transitions,
        }
        rows = tuple(Row(0, name, name, name, moved) for name, moved in bytes_by_operator(lowered).items())
        artifacts = tuple(hashlib.sha256(one.data).hexdigest() for one in lowered.delegates)
        return Cost(metrics, counted.shared_bytes, counted.constant_bytes, artifacts, rows)

    def equal(self, program: VulkanRecipe, reference: VulkanRecipe, whole: bool) -> Verdict:
        if self.program_hash(program) == self.program_hash(reference):
            return Verdict(True)
        for at, (found, wanted) in enumerate(zip(self._values(program), self._values(reference), strict=True)):
            for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
                if one.shape != other.shape or one.dtype != other.dtype or not torch.equal(one, other):
                    return Verdict(False, f"output {number} differs on calibration input {at}")
        return Verdict(True)

    def described_check(self, exactness: Exactness, whole: bool) -> dict[str, Any]:
        return {
            "against": "the default lowering, bit for bit" if exactness == Exactness.EXACT else "the float model",
            "computed": "delegates in Python, fused operators by references",
            "inputs": [{"kind": "calibration", "count": len(self._samples)}],
        }

    def executed(self, program: VulkanRecipe, whole: bool, on_all: bool, is_default: bool) -> Verdict:
        """What the gate knows of the runtime."""
        judged = verdict(graphs_of(self.lowered(program)))
        return Verdict(not judged.refused, str(judged) if judged.refused else "")

    def described_execution(self, on_all: bool) -> str:
        return "not run on a device; not known to fail"

    def quality(self, program: VulkanRecipe) -> Quality:
        """How near a program comes to the float model. Raises ModelError if it cannot be run here."""
        found = quality(self._model, self.lowered(program), self._samples, half=program.half)
        return Quality(found.worst, found.samples)

    def open_choices(self) -> dict[str, tuple[str, ...]]:
        if self.allowed < Exactness.PRECISION:
            return {}
        schemes = dict.fromkeys(one.value for those in self.space.schemes.values() for one in those)
        return {"half": ("yes",), **({"scheme": tuple(sorted(schemes))} if schemes else {})}

    def starting_points(self, transferred: Sequence[str] = ()) -> tuple[str, ...]:
        starts = [Recipe(passes=one.passes) for one in self.space.starting_points() if one.passes]
        return tuple(dict.fromkeys([*transferred, *(str(one) for one in starts if one.exactness <= self.allowed)]))

    def passes(self) -> Sequence[RecipePass]:
        return [one for one in pass_instances(Rewrite, self.allowed) if one.name in self.space.rewrites]

    def _values(self, program: VulkanRecipe) -> list[tuple[torch.Tensor, ...]]:
        def made() -> list[tuple[torch.Tensor, ...]]:
            lowered = self.lowered(program)
            return [tuple(run_lowered(lowered, sample, half=program.half)) for sample in self._samples]

        return self._outputs.find(astuple(program), made)
