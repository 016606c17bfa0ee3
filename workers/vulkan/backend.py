"""Vulkan through ExecuTorch as a backend. Importing this takes no time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from workers.backend.backend import Backend, BoardOption, Meter, Metric
from workers.backend.base import Identified
from workers.backend.objective import NotMore, ObjectiveKind
from workers.errors import ModelError

if TYPE_CHECKING:
    from workers.backend.job import Job
    from workers.checking.allowance import Quality
    from workers.vulkan.base_program import VulkanBase
    from workers.vulkan.programs import VulkanPrograms
    from workers.vulkan.space.recipe import VulkanRecipe
    from workers.vulkan.target import VulkanTarget


class _Meter:
    """Implements `workers.backend.backend.Meter`."""

    def __init__(self, programs: VulkanPrograms) -> None:
        self._programs = programs

    def quality(self, program: VulkanRecipe) -> Quality:
        return self._programs.quality(program)

    def of_base(self) -> Quality:
        return self._programs.quality(self._programs.default)


class Vulkan(Backend):
    """ExecuTorch partitions a float model into delegates for its Vulkan runtime."""

    family: ClassVar[str] = "vulkan"
    metrics: ClassVar[Sequence[Metric]] = (
        Metric("order", "facts in order", "operators on the CPU, delegates, bytes moved, operations, as one number"),
        Metric(
            "host_operators", "operators on the CPU", "operators left to the CPU", is_headline=True, is_tabled=True,
            may_not_rise=True,
        ),
        Metric("delegates", "delegates", "parts that run on the GPU", is_headline=True, is_tabled=True),
        Metric("moved_bytes", "bytes moved", "bytes that operators read and write", is_headline=True, is_tabled=True),
        Metric("operations", "operations", "operations on the GPU"),
        Metric("transitions", "changes of layout", "operations that only change storage or layout"),
    )  # fmt: skip
    objectives: Mapping[str, ObjectiveKind] = {
        "order": ObjectiveKind(
            "operators on the CPU, then delegates, then bytes moved, then operations", lambda cost, _: cost["order"]
        ),
        "bytes": ObjectiveKind(
            "bytes moved", lambda cost, _: cost["moved_bytes"],
            (NotMore("the operators on the CPU", ("host_operators",), ("host_operators",)),),
        ),
    }  # fmt: skip
    unit: ClassVar[str] = "facts"
    compiler: ClassVar[str] = "ExecuTorch"
    board_options: ClassVar[Sequence[BoardOption]] = (
        BoardOption("texture_limit", "TEXELS", "largest extent of a 3D image of the GPU  [default: 16384]"),
    )
    example: ClassVar[str] = "vulkan"
    names: ClassVar[str] = "vulkan"

    def knows(self, name: str) -> bool:
        return name == "vulkan"

    def target(self, name: str, board: Mapping[str, str]) -> VulkanTarget:
        from workers.vulkan.target import VulkanTarget

        limit = board.get("texture_limit")
        if limit is None:
            return VulkanTarget()
        if not limit.isascii() or not limit.isdigit() or not 0 < int(limit) <= 1 << 20:
            raise ModelError(f"--texture-limit {limit}: a number of texels, such as 2048")
        return VulkanTarget(texture_limit=int(limit))

    def versions(self) -> dict[str, str]:
        from workers.vulkan.base_program import versions

        return versions()

    def identify(self, job: Job[VulkanTarget]) -> Identified:
        from workers.vulkan.base_program import identified

        return identified(job)

    def lower(self, job: Job[VulkanTarget]) -> VulkanBase:
        from workers.vulkan.base_program import lowered

        return lowered(job)

    def programs(self, job: Job[VulkanTarget], base: VulkanBase) -> VulkanPrograms:
        from workers.vulkan.base_program import model_of, samples_of
        from workers.vulkan.programs import VulkanPrograms

        model = model_of(job)
        return VulkanPrograms(model, job.target, samples_of(job, model), job.allowance.exactness)

    def meter(self, job: Job[VulkanTarget], base: VulkanBase, setting: Setting) -> Meter:
        if job.allowance.metric is not None:
            raise ModelError(f"{job.source}: --metric is not measured for Vulkan; leave it out")
        return _Meter(self.programs(job, base))

    def passes(self, allowed: Exactness) -> Sequence[RecipePass]:
        from search_space.recipe.space import pass_instances
        from workers.vulkan.passes.base import Rewrite

        return pass_instances(Rewrite, allowed)

    def write(
        self, job: Job[VulkanTarget], recipe: str, identity_key: str, program_hash: str,
        artifact_sha256: Sequence[str], out: Path,
    ) -> None:  # fmt: skip
        import hashlib

        from search_space.recipe.recipe import Recipe
        from workers.vulkan.files.pte import write_pte
        from workers.vulkan.space.recipe import VulkanRecipe

        lowered = self.programs(job, self.lower(job)).lowered(VulkanRecipe.of(Recipe.parse(recipe)))
        found = [hashlib.sha256(one.data).hexdigest() for one in lowered.delegates]
        if sorted(found) != sorted(artifact_sha256):
            raise ModelError(f"{job.source}: the lowered program's delegates are not those that were evaluated")
        write_pte(lowered, job.source, out)

    def warm_up(self) -> None:
        import torch  # noqa: F401


BACKEND = Vulkan()
