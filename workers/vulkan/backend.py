"""Vulkan through ExecuTorch as a backend. Importing this takes no time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_args

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from workers.backend.backend import Backend, BoardOption, Meter, Metric
from workers.backend.base import Identified
from workers.backend.objective import NotMore, ObjectiveKind
from workers.backend.written import Written
from workers.cache.lru import LRU
from workers.errors import ModelError
from workers.vulkan.cost.objective import lexicographic_cost

if TYPE_CHECKING:
    from workers.backend.job import Job
    from workers.checking.allowance import Quality
    from workers.models.types import ExportedModel
    from workers.vulkan.model.base_program import VulkanBase
    from workers.vulkan.programs import VulkanPrograms
    from workers.vulkan.space.recipe import VulkanRecipe
    from workers.vulkan.target import VulkanTarget


#: Models that a process keeps lowered programs of; it serves few at a time.
_KEPT_PROGRAMS = 4


@cache
def _facts() -> Mapping[str, str]:
    """What decides whether a program is offered, and with which facts."""
    from search_space.recipe.source_hash import hash_of_sources

    return {"rules": hash_of_sources(Path(__file__).parent / name for name in ("check", "cost", "gate"))}


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
        Metric(
            "host_operators", "operators on the CPU", "operators left to the CPU", is_headline=True, may_not_rise=True
        ),
        Metric("delegates", "delegates", "parts that run on the GPU", is_headline=True),
        Metric("moved_bytes", "bytes moved", "bytes that operators read and write", is_headline=True),
        Metric("operations", "operations", "operations on the GPU", is_headline=True),
        Metric("transitions", "changes of layout", "operations that only change storage or layout"),
    )  # fmt: skip
    objectives: Mapping[str, ObjectiveKind] = {
        "order": ObjectiveKind(
            "operators on the CPU, then delegates, then bytes moved, then operations",
            lambda cost, _: lexicographic_cost(cost),
            facts=_facts,
        ),
        "bytes": ObjectiveKind(
            "bytes moved", lambda cost, _: cost["moved_bytes"],
            (NotMore("the operators on the CPU", ("host_operators",), ("host_operators",)),),
            _facts,
        ),
    }  # fmt: skip
    unit: ClassVar[str] = "facts"
    has_ratio: ClassVar[bool] = False
    compiler: ClassVar[str] = "ExecuTorch"
    board_options: ClassVar[Sequence[BoardOption]] = (
        BoardOption("texture_limit", "TEXELS", "largest extent of a 3D image of the GPU  [default: 16384]"),
        # Commands and files are of the machine that the job runs on.
        BoardOption("vk_runner", "COMMAND", "runs Vulkan programs as executor_runner does", is_file=True),
        BoardOption(
            "vk_label", "LABEL", "what the runner gives: measured on a device, else simulated  [default: simulated]"
        ),
        BoardOption("device_profile", "FILE.TOML", "rates of a Vulkan device, for predictions", is_file=True),
    )
    example: ClassVar[str] = "vulkan"
    names: ClassVar[str] = "vulkan"

    def __init__(self) -> None:
        self._kept: LRU[VulkanPrograms] = LRU(_KEPT_PROGRAMS)

    def knows(self, name: str) -> bool:
        return name == "vulkan"

    def target(self, name: str, board: Mapping[str, str]) -> VulkanTarget:
        from workers.checking.allowance import QualityLabel
        from workers.vulkan.target import PHONE_TEXTURE_LIMIT, VulkanTarget

        limit = board.get("texture_limit", str(PHONE_TEXTURE_LIMIT))
        if not limit.isascii() or not limit.isdigit() or not 0 < int(limit) <= 1 << 20:
            raise ModelError(f"--texture-limit {limit}: a number of texels, such as 2048")
        runner, profile = board.get("vk_runner", ""), board.get("device_profile", "")
        label = board.get("vk_label", "simulated")
        if label not in get_args(QualityLabel):
            raise ModelError(f"--vk-label {label}: write simulated or measured")
        if "vk_label" in board and not runner:
            raise ModelError(f"--vk-label {label}: it says what --vk-runner is; give that, too")
        if profile:
            from workers.vulkan.cost.device_profile import read_profile

            read_profile(profile)
        return VulkanTarget(
            texture_limit=int(limit), runner=runner, runner_label=cast("QualityLabel", label), profile=profile
        )

    def cost_text(self, cost: int, metrics: Mapping[str, int]) -> str:
        counted = (
            ("operator on the CPU", "operators on the CPU", "host_operators"), ("delegate", "delegates", "delegates"),
            ("byte moved", "bytes moved", "moved_bytes"), ("operation", "operations", "operations"),
        )  # fmt: skip
        return ", ".join(f"{metrics[name]:,} {one if metrics[name] == 1 else many}" for one, many, name in counted)

    def versions(self) -> dict[str, str]:
        from workers.vulkan.model.base_program import versions

        return versions()

    def identify(self, job: Job[VulkanTarget]) -> Identified:
        from workers.vulkan.model.base_program import identified

        return identified(job)

    def lower(self, job: Job[VulkanTarget]) -> VulkanBase:
        from workers.vulkan.model.base_program import base_of, exported

        model, found, calibration = exported(job)
        programs = self._programs(job, found.key, lambda: (model, calibration.samples))
        return base_of(model, found, calibration, *programs.described_default())

    def programs(self, job: Job[VulkanTarget], base: VulkanBase) -> VulkanPrograms:
        from workers.vulkan.model.base_program import exported

        def made() -> tuple[ExportedModel, Sequence[tuple[Any, ...]]]:
            model, _, calibration = exported(job)
            return model, calibration.samples

        return self._programs(job, base.key, made)

    def _programs(
        self, job: Job[VulkanTarget], key: str, made: Callable[[], tuple[ExportedModel, Sequence[tuple[Any, ...]]]]
    ) -> VulkanPrograms:
        """Those of a job, kept: who lowers, who searches and who measures ask for the same programs."""
        from workers.vulkan.model.base_program import SAMPLES
        from workers.vulkan.programs import VulkanPrograms

        def new() -> VulkanPrograms:
            model, samples = made()
            return VulkanPrograms(model, job.target, list(samples[:SAMPLES]), job.allowance)

        return self._kept.find((key, job.target, job.seed, job.allowance), new)

    def meter(self, job: Job[VulkanTarget], base: VulkanBase, setting: Setting) -> Meter:
        if job.allowance.metric is not None:
            raise ModelError(f"{job.source}: --metric is not measured for Vulkan; leave it out")
        assert not setting  # there are none
        return _Meter(self.programs(job, base))

    def passes(self, allowed: Exactness) -> Sequence[RecipePass]:
        from search_space.recipe.space import pass_instances
        from workers.vulkan.passes.base import Rewrite

        # A pass that has to say what it is for is one of a model.
        return tuple(one for one in pass_instances(Rewrite, allowed) if not one.options())

    def write(
        self, job: Job[VulkanTarget], recipe: str, identity_key: str, program_hash: str,
        artifact_sha256: Sequence[str], out: Path,
    ) -> None:  # fmt: skip
        from search_space.recipe.recipe import Recipe
        from workers.backend.file_facts import FileFacts, digest, write_with_facts
        from workers.vulkan.files.pte import pte_bytes, write_beside

        programs = self.programs(job, self.lower(job))
        program = programs.built(Recipe.parse(recipe))
        lowered = programs.lowered_anew(program)
        found = [digest(one.data) for one in lowered.delegates]
        if sorted(found) != sorted(artifact_sha256):
            raise ModelError(
                f"{job.source}: the lowered program's delegates are not those that were evaluated; "
                "if its weights or inputs are random, seed them"
            )
        report = programs.report(program)
        content = pte_bytes(lowered, job.source)
        write_with_facts(
            out, content, FileFacts(self.family, job.target.facts(), recipe, identity_key, digest(content))
        )
        write_beside(report, out)

    def remarks(self, file: Path) -> Sequence[str]:
        from workers.vulkan.files.pte import judge_pte, report_beside

        judged = judge_pte(file.read_bytes(), str(file))
        return str(judged), f"why, and quality by layer, is in {report_beside(file)}"

    def written(self, file: Path) -> Written | None:
        from collections import Counter

        from workers.backend.file_facts import digest, read_facts
        from workers.vulkan.files.pte import read_pte

        facts = read_facts(file, self.family)
        if facts is None:
            return None
        blobs = read_pte(file.read_bytes(), str(file)).blobs
        delegates = f"{len(blobs)} delegate{'s' if len(blobs) > 1 else ''}"
        return Written(facts.recipe, facts.identity, Counter(map(digest, blobs)), delegates)

    def warm_up(self) -> None:
        import torch  # noqa: F401


BACKEND = Vulkan()
