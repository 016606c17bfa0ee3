"""Ethos-U as a backend. Importing this takes no time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from workers.backend.backend import Backend, BoardOption, Meter, Metric
from workers.backend.base import Identified
from workers.backend.objective import ObjectiveKind
from workers.backend.settings import SettingStatus
from workers.backend.written import Written
from workers.ethos_u.cost.objectives import OBJECTIVES
from workers.ethos_u.metrics import ESTIMATE_REASONS, METRICS, MULTIPLYING

if TYPE_CHECKING:
    import numpy as np

    from workers.backend.job import Job
    from workers.ethos_u.lowering.base_program import BaseProgram
    from workers.ethos_u.programs import TosaPrograms
    from workers.ethos_u.target import Target


class EthosU(Backend):
    """ExecuTorch lowers a model to TOSA programs, Vela compiles these to command streams."""

    family: ClassVar[str] = "ethos-u"
    metrics: ClassVar[Sequence[Metric]] = METRICS
    objectives: Mapping[str, ObjectiveKind] = OBJECTIVES
    compiler: ClassVar[str] = "Vela"
    estimate_reasons: ClassVar[Mapping[str, str]] = ESTIMATE_REASONS
    multiplying: ClassVar[frozenset[str]] = MULTIPLYING
    board_options: ClassVar[Sequence[BoardOption]] = (
        BoardOption("system_config", "NAME", "System_Config of the configuration  [default: ExecuTorch's]"),
        BoardOption("memory_mode", "NAME", "Memory_Mode of the configuration  [default: ExecuTorch's]"),
        BoardOption("vela_config", "FILE", "Vela configuration file (.ini)  [default: Vela's Arm/vela.ini]", True),
    )
    example: ClassVar[str] = "ethos-u55-128"
    names: ClassVar[str] = r"ethos-u(55|65|85)-[0-9]{2,4}"

    def knows(self, name: str) -> bool:
        return name.startswith("ethos")

    def target(self, name: str, board: Mapping[str, str]) -> Target:
        from workers.ethos_u.target import Target

        return Target.parse(name, board.get("system_config"), board.get("memory_mode"), board.get("vela_config"))

    def preset(self, named: str, folder: Path) -> Mapping[str, Any]:
        from workers.ethos_u.boards.preset import read_preset

        board = read_preset(named)
        return {
            "target": board.npu, "system_config": board.system_config, "memory_mode": board.memory_mode,
            "vela_config": str(board.written(folder)), "max_sram": board.sram_bytes, "max_flash": board.flash_bytes,
        }  # fmt: skip

    def versions(self) -> dict[str, str]:
        from workers.ethos_u.lowering.base_program import toolchain_versions

        return toolchain_versions()

    def identify(self, job: Job[Target]) -> Identified:
        from workers.ethos_u.lowering.lowered import identified

        return identified(job)

    def lower(self, job: Job[Target]) -> BaseProgram:
        from workers.ethos_u.lowering.lowered import lowered

        return lowered(job)

    def lowered(self, job: Job[Target]) -> BaseProgram | None:
        from workers.ethos_u.lowering.lowered import lowered_before

        return lowered_before(job)

    def programs(self, job: Job[Target], base: BaseProgram) -> TosaPrograms:
        from workers.cache.memo import Memo
        from workers.ethos_u.programs import TosaPrograms

        memo, values = Memo(job.cache_dir / "memo"), job.cache_dir / "values"
        return TosaPrograms(base, job.target, memo, values, job.seed, job.allowance.exactness)

    def meter(self, job: Job[Target], base: BaseProgram, setting: Setting) -> Meter:
        from workers.ethos_u.lowering.checks.quality import QualityMeter

        return QualityMeter(job, base, setting)

    def passes(self, allowed: Exactness) -> Sequence[RecipePass]:
        from search_space.recipe.space import tosa_passes

        return tosa_passes(allowed)

    def is_workaround(self, recipe: str) -> bool:
        from search_space.recipe.seed_recipes import is_workaround

        return is_workaround(recipe)

    def open_settings(self, job: Job[Target], base: BaseProgram) -> list[Setting]:
        from workers.ethos_u.lowering.frontend import open_settings

        return open_settings(base.host_operators, job.allowance.exactness)

    def measured_settings(self, job: Job[Target], base: BaseProgram) -> list[Setting]:
        from workers.ethos_u.lowering.precision.precisions import precision_settings

        return precision_settings(base, job) if job.allowance.exactness >= Exactness.PRECISION else []

    def setting_key(self, base: BaseProgram, setting: Setting) -> str:
        from workers.ethos_u.lowering.base_program import setting_key

        return setting_key(base, setting)

    def setting_status(self, job: Job[Target], base: BaseProgram, setting: Setting) -> SettingStatus:
        from workers.ethos_u.lowering.frontend_settings import setting_status

        return setting_status(base, setting, job)

    def remember_lost(self, job: Job[Target], base: BaseProgram, setting: Setting, reason: str) -> None:
        from workers.ethos_u.lowering.frontend_settings import remember_lost

        remember_lost(base, setting, job, reason)

    def base_by(self, job: Job[Target], base: BaseProgram, setting: Setting) -> BaseProgram:
        from workers.ethos_u.lowering.frontend_settings import base_by

        return base_by(base, setting, job)

    def can_write(self, job: Job[Any]) -> bool:
        return not job.source.endswith(".tosa")

    def write(
        self, job: Job[Target], recipe: str, identity_key: str, program_hash: str, artifact_sha256: Sequence[str],
        out: Path,
    ) -> None:  # fmt: skip
        from workers.ethos_u.lowering.ahead_of_time.recipe_tag import recipe_tag
        from workers.ethos_u.lowering.write_pte import write_pte

        write_pte(job, recipe, recipe_tag(recipe, identity_key, program=program_hash), artifact_sha256, out)

    def remarks(self, file: Path) -> Sequence[str]:
        from workers.ethos_u.files.pte import interface_of

        layouts = str(interface_of(file.read_bytes(), str(file)))
        return (layouts,) if layouts else ()

    def written(self, file: Path) -> Written:
        from workers.ethos_u.lowering.ahead_of_time.written_recipe import written

        return written(file)

    def run_written(self, job: Job[Target], recipe: str, file: Path) -> str:
        from workers.ethos_u.run_check import run_check

        return str(run_check(file, job, recipe))

    def outputs(self, file: Path, inputs: Sequence[Path], seed: int) -> list[np.ndarray]:
        from workers.ethos_u.files.run_pte import PteProgram
        from workers.ethos_u.files.run_pte.given_inputs import given_inputs

        program = PteProgram.read(file)
        return list(program.run(given_inputs(file, program.inputs(), inputs, seed)))

    def warm_up(self) -> None:
        import tosa_reference_model  # noqa: F401


BACKEND = EthosU()
