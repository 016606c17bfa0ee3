"""Lowers one model for Vulkan by recipes, and counts what the programs cost. It refuses those that the runtime is known
to fail on, and runs the others in Python."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch

from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from search_space.recipe.recipe import Recipe
from workers.backend.cost import Cost, Row
from workers.backend.programs import Choices, Programs
from workers.cache.lru import LRU
from workers.checking.allowance import Allowance, Quality
from workers.checking.sqnr import MOST_DB, sqnr_of_outputs
from workers.checking.verdict import Verdict
from workers.errors import CompilerRefused, ModelError
from workers.models.types import ExportedModel
from workers.vulkan.check.layer_quality import LayerQuality
from workers.vulkan.check.quality import OutputQuality
from workers.vulkan.check.run import run_lowered
from workers.vulkan.choices.half import Half
from workers.vulkan.choices.scheme import SchemeOfLayers
from workers.vulkan.cost.device_profile import read_profile
from workers.vulkan.cost.facts import facts, moved_by_calls
from workers.vulkan.cost.refusals import refusals
from workers.vulkan.cost.splits import splits
from workers.vulkan.files.out_variants import unwritable
from workers.vulkan.files.pte import pte_bytes
from workers.vulkan.files.report import Reported, report_text
from workers.vulkan.gate.verdict import verdict_of
from workers.vulkan.lowering.lowered import Lowered, host_digest
from workers.vulkan.lowering.lowering import lower, model_layers
from workers.vulkan.model.scheme import PER_CHANNEL, Scheme
from workers.vulkan.model.users_schemes import has_schemes
from workers.vulkan.passes.base import Rewrite
from workers.vulkan.passes.fusion.leave_unfused import LeaveUnfused
from workers.vulkan.passes.keep_on_cpu import KeepOnCpu
from workers.vulkan.passes.registry import REWRITES, in_order
from workers.vulkan.runner import run_on
from workers.vulkan.space.mixtures import by_kind, mixtures, within_reach
from workers.vulkan.space.recipe import VulkanRecipe
from workers.vulkan.space.space import VulkanSpace, needed_by, space_of
from workers.vulkan.target import VulkanTarget

#: Lowered programs and their outputs, kept in memory.
_KEPT = 32

#: By how much a candidate has to be better than the user's limit where no runner measures it. With runs on a software
#: Vulkan, the quality by the references agreed within 0.3 dB: see docs/vulkan.md.
REFERENCES_DB = 0.5

#: How near a runner's outputs have to come to the references. Kernels that are wrong gave 13 dB and less on a software
#: Vulkan, right ones 32 dB and more, those in half precision among them.
RUNNER_DB = 20.0


@dataclass(frozen=True)
class _Ran:
    """A run in Python: outputs by sample, and in which integers the runtime differs from it."""

    outputs: list[tuple[torch.Tensor, ...]]
    faults: list[str]


class VulkanPrograms(Programs[VulkanRecipe]):
    """Lowers by ExecuTorch's Vulkan partitioner."""

    compiler: ClassVar[str] = "ExecuTorch"
    executes: ClassVar[bool] = True

    def __init__(
        self, model: ExportedModel, target: VulkanTarget, samples: Sequence[tuple[Any, ...]], allowance: Allowance
    ) -> None:
        """Nothing is lowered yet.

        Args:
            model: in floating point, or quantised by the user.
            target: the GPU, its runtime and the user's runner.
            samples: inputs that schemes are calibrated on, and that programs are compared on.
            allowance: up to which class recipes are tried, and the quality that they must reach.
        """
        self.name, self.default, self.allowed = model.name, VulkanRecipe(), allowance.exactness
        self._model, self._target, self._samples = model, target, samples
        self.measures_files = bool(target.runner)
        self._allowance, self._limit_db = allowance, allowance.min_sqnr_db
        self._layers = model_layers(model)
        self._is_quantised = has_schemes(model.program)
        self._alone = LayerQuality(model, samples)
        self._lowered: LRU[Lowered | ModelError] = LRU(_KEPT)
        self._ran: LRU[_Ran] = LRU(_KEPT)
        self._outputs: LRU[list[tuple[torch.Tensor, ...]]] = LRU(_KEPT)
        self._space: VulkanSpace | None = None

    @property
    def space(self) -> VulkanSpace:
        """What there is to choose for the model. Found once; it lowers the model a few times."""
        if self._space is None:
            self._space = space_of(self._model, self._layers, self.lowered)
        return self._space

    def built(self, recipe: Recipe) -> VulkanRecipe:
        """What a recipe comes to, one element after the other, as an evaluator takes it. Raises SpaceError."""
        program = self.chosen(recipe.choices)
        for one in recipe.passes:
            program = self.passed(program, one)
        return program

    def described_default(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the operators that the stock lowering leaves on the CPU. Also, in lines, why it falls into several
        delegates, what the gate refuses, and which rewrites avoid that. Raises ModelError if it fails."""
        try:
            stock = self.lowered(self.default)
        except CompilerRefused as error:
            raise ModelError(str(error)) from error
        available = [REWRITES[name]() for name in self.space.rewrites]
        lines = [str(one) for one in splits(stock, available)]
        available += [KeepOnCpu(operator=name) for name in self.space.operators]
        lines += [*(str(one) for one in refusals(stock, available)), *unwritable(stock)]
        return tuple(one.operator for one in stock.host_operators), tuple(lines)

    def program_hash(self, program: VulkanRecipe) -> str:
        try:
            lowered = self.lowered(program)
        except CompilerRefused as error:
            return hashlib.blake2b(f"{program.recipe}: {error}".encode(), digest_size=16).hexdigest()
        digest = hashlib.blake2b(digest_size=16)
        for one in lowered.delegates:
            digest.update(hashlib.blake2b(one.data).digest())
        digest.update(host_digest(lowered))
        return digest.hexdigest()

    def chosen(self, choices: Choices) -> VulkanRecipe:
        program = VulkanRecipe.of(Recipe(choices))
        program.settings(self._layers)  # raises where a scheme does not fit its layer
        return program

    def passed(self, program: VulkanRecipe, one: RecipePass) -> VulkanRecipe:
        after = program.followed_by(one)
        if not self._may_change(program, one) or self.program_hash(after) == self.program_hash(program):
            return program
        return after

    def _may_change(self, program: VulkanRecipe, one: RecipePass) -> bool:
        """Whether a pass has something to work on, by what is known without lowering once more."""
        if isinstance(one, LeaveUnfused):
            return one.pattern in self.lowered(program).fused
        assert isinstance(one, Rewrite)  # others are refused before
        if self._is_quantised or not one.needs:
            return True
        return not one.needs.isdisjoint(program.scheme_by_layer(self._layers).values())

    def sites(self, one: RecipePass, program: VulkanRecipe) -> tuple[tuple[int, ...], int]:
        count = 0
        if isinstance(one, LeaveUnfused):
            count = self.lowered(program).fused.get(one.pattern, 0)
        elif isinstance(one, KeepOnCpu):
            count = self.space.operators.get(one.operator, 0)
        return one.numbers, count

    def lowered_anew(self, program: VulkanRecipe) -> Lowered:
        """The program that the runtime would get, for whoever uses it up. Raises ModelError."""
        return lower(self._model, self._target, program.settings(self._layers), self._samples)

    def lowered(self, program: VulkanRecipe) -> Lowered:
        """The program that the runtime would get; kept, so it is not to be changed. Raises CompilerRefused."""

        def made() -> Lowered | ModelError:
            try:
                return self.lowered_anew(program)
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
            "host_operators": counted.host_operators,
            "delegates": counted.delegates,
            "moved_bytes": counted.moved_bytes,
            "operations": counted.operations,
            "transitions": counted.transitions,
        }
        rows = tuple(
            Row(delegate, name, name, name, moved)
            for delegate, calls in enumerate(moved_by_calls(lowered))
            for name, moved in calls
        )
        artifacts = tuple(hashlib.sha256(one.data).hexdigest() for one in lowered.delegates)
        return Cost(metrics, counted.shared_bytes, counted.constant_bytes, artifacts, rows)

    def equal(self, program: VulkanRecipe, reference: VulkanRecipe, whole: bool) -> Verdict:
        if self.program_hash(program) == self.program_hash(reference):
            return Verdict(True)
        try:
            pairs = list(zip(self._values(program), self._values(reference), strict=True))
        except ModelError as error:  # a reference does not take what the operator is given, and nor does the runtime
            return Verdict(False, str(error))
        for at, (found, wanted) in enumerate(pairs):
            for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
                if one.shape != other.shape or one.dtype != other.dtype or not torch.equal(one, other):
                    return Verdict(False, f"output {number} differs on calibration input {at}")
        return Verdict(True)

    def described_check(self, exactness: Exactness, whole: bool) -> dict[str, Any]:
        computed = (
            "simulated: delegates in Python, fused operators by references, and of the quality "
            f"{REFERENCES_DB:g} dB are taken off for what they may be wrong by"
        )
        model = "the quantised model" if self._is_quantised else "the float model"
        if self._target.runner and exactness > Exactness.EXACT:
            computed = f"{self._target.runner_label}: by {self._target.runner}"
        return {
            "against": "the default lowering, bit for bit" if exactness == Exactness.EXACT else model,
            "computed": computed,
            "inputs": [{"kind": "calibration", "count": len(self._samples)}],
        }

    def executed(self, program: VulkanRecipe, whole: bool, on_all: bool, is_default: bool) -> Verdict:
        """What the user's runner makes of a program. Without one, what is known of the runtime.

        That is the gate, what ExecuTorch cannot write, and integers that the runtime computes otherwise than PyTorch.

        The runner's outputs must be within the limit of quality too. A program that is exact in Python may miss it.

        Args:
            program: any.
            whole, on_all, is_default: as of `Programs.executed`; a gate has no samples.

        Returns:
            Whether it may be offered, or why not.
        """
        if self._target.runner:
            return self._by_runner(program)
        judged = verdict_of(self.lowered(program))
        if judged.refused:
            return Verdict(False, str(judged))
        if lost := unwritable(self.lowered(program)):
            return Verdict(False, lost[0])
        try:
            faults = self._run(program).faults
        except ModelError as error:
            return Verdict(False, str(error))
        return Verdict(not faults, "; ".join(faults[:1]))

    def _by_runner(self, program: VulkanRecipe) -> Verdict:
        try:
            worst = min(sqnr_of_outputs(self._values(program), self._outputs_of_runner(program)), default=MOST_DB)
        except ModelError as error:
            return Verdict(False, str(error))
        if worst < RUNNER_DB:
            said = f"the runner's outputs are {worst:.1f} dB from the reference, below {RUNNER_DB:g} dB"
            return Verdict(False, "; ".join([said, *self._run(program).faults[:1]]))
        if self._allowance and program != self.default:
            for fault in self._allowance.shortfalls(self.quality(program), self.quality(self.default)):
                return Verdict(False, f"{self._target.runner_label} by the runner, {fault}")
        return Verdict(True)

    def described_execution(self, on_all: bool) -> str:
        return (
            f"run by {self._target.runner}"
            if self._target.runner
            else "not run on a device; the gate refuses what is known to fail"
        )

    def quality(self, program: VulkanRecipe) -> Quality:
        """How near a program comes to the float model.

        Args:
            program: any.

        Returns:
            That of the runner's outputs. Without one, it is what the references give, less `REFERENCES_DB` unless they
            give the very numbers. The worst there is where it computes nothing, with the reason. A default program that
            the gate refuses, or that the runner finds wrong, has what the references give.

        Raises:
            ModelError: not even the default program can be run in Python.
        """
        if program == self.default and self._target.runner and self._is_default_wrong:
            return self._simulated(program).bound
        try:
            return self._quality(program).bound
        except ModelError as error:
            if program == self.default:
                raise
            runner, label = self._target.runner, self._target.runner_label
            return Quality(-MOST_DB, len(self._samples), runner=runner, fault=str(error), label=label)

    @cached_property
    def _is_default_wrong(self) -> bool:
        """Whether the gate refuses the default program, or the user's runner finds it wrong. Every candidate asks."""
        return bool(verdict_of(self.lowered(self.default)).refused) or not self._by_runner(self.default).equal

    def report(self, program: VulkanRecipe) -> str:
        """What a program is and why, in Markdown. Raises ModelError as `quality`."""
        written, profile = self.lowered(program), self._target.profile
        return report_text(
            Reported(
                self.name,
                str(program.recipe),
                self.lowered(self.default),
                written,
                [REWRITES[name]() for name in self.space.rewrites],
                self._layers,
                program.scheme_by_layer(self._layers),
                self._alone.of,
                self._quality(program),
                read_profile(profile) if profile else None,
            )
        )

    def _quality(self, program: VulkanRecipe) -> OutputQuality:
        """Raises ModelError if it cannot be run."""
        if not self._target.runner:
            return self._simulated(program)
        wanted = self._alone.wanted
        decibels = sqnr_of_outputs(wanted, self._outputs_of_runner(program))
        return OutputQuality(decibels, len(wanted), runner=self._target.runner, label=self._target.runner_label)

    def _simulated(self, program: VulkanRecipe) -> OutputQuality:
        wanted = self._alone.wanted
        return OutputQuality(sqnr_of_outputs(wanted, self._values(program)), len(wanted), REFERENCES_DB)

    def open_choices(self) -> dict[str, tuple[str, ...]]:
        if self.allowed < Exactness.PRECISION:
            return {}
        plain, mixed = self.space.plain_schemes, tuple[str, ...]()
        if self._limit_db is not None:
            known = self._layers, self.space.schemes, self._alone.of, self._limit_db
            plain, mixed = within_reach(*known), mixtures(*known)
        kinds = by_kind(self._layers, self.space.schemes)
        schemes = tuple(dict.fromkeys((*(one.value for one in plain), *kinds, *mixed)))
        return {"half": ("yes",), **({"scheme": schemes} if schemes else {})}

    def starting_points(self, transferred: Sequence[str] = ()) -> tuple[str, ...]:
        starts = [Recipe(passes=self._allowed(one.passes)) for one in self.space.starting_points()]
        joining = [one for start in starts[:1] for one in start.passes if isinstance(one, Rewrite) and not one.needs]
        starts += self._starts_with_choices(joining)
        return tuple(dict.fromkeys([*transferred, *(str(one) for one in starts if one.passes)]))

    def _starts_with_choices(self, joining: Sequence[Rewrite]) -> Iterator[Recipe]:
        """Half precision, and the schemes that passes are for, with the passes that a search begins with. Neither is
        found one step at a time: what is in between has more delegates, does not load, or moves more bytes."""
        open_choices = self.open_choices()
        if Half.name in open_choices:
            yield Recipe(((Half.name, "yes"),), in_order(joining))
        alternatives = {scheme: [scheme.value] for scheme in (*PER_CHANNEL, Scheme.STATIC8)}
        alternatives[Scheme.STATIC8] += by_kind(self._layers, self.space.schemes)[:1]
        for scheme, those in alternatives.items():
            needed: list[Rewrite] = [one for one in needed_by(scheme) if one.name in self.space.rewrites]
            needed += self._allowed(self.space.unfused.get(scheme, ()))
            for one in those:
                if needed and one in open_choices.get(SchemeOfLayers.name, ()):
                    yield Recipe(((SchemeOfLayers.name, one),), in_order({*joining, *needed}))

    def passes(self) -> Sequence[RecipePass]:
        return self._allowed(self.space.passes())

    def _allowed(self, passes: Sequence[Rewrite]) -> tuple[Rewrite, ...]:
        return tuple(one for one in passes if one.exactness <= self.allowed)

    def _values(self, program: VulkanRecipe) -> list[tuple[torch.Tensor, ...]]:
        return self._run(program).outputs

    def _run(self, program: VulkanRecipe) -> _Ran:
        """Raises ModelError if a reference does not run it."""

        def made() -> _Ran:
            lowered, noted = self.lowered(program), set[str]()
            outputs = [run_lowered(lowered, sample, half=program.half, noted=noted) for sample in self._samples]
            return _Ran(outputs, sorted(noted))

        return self._ran.find(program, made)

    def _outputs_of_runner(self, program: VulkanRecipe) -> list[tuple[torch.Tensor, ...]]:
        """Of the user's runner, by sample. Raises ModelError if it fails."""

        def made() -> list[tuple[torch.Tensor, ...]]:
            file = pte_bytes(self.lowered_anew(program), self.name)
            inputs = [torch.utils._pytree.tree_leaves(tuple(sample)) for sample in self._samples]
            pairs = zip(inputs, self._alone.wanted, strict=True)
            return [run_on(self._target.runner, file, taken, wanted) for taken, wanted in pairs]

        return self._outputs.find(program, made)
