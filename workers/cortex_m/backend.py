"""Cortex-M through CMSIS-NN as a backend. Importing this takes no time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from workers.backend.backend import Backend, Meter, Metric
from workers.backend.base import Identified
from workers.backend.cost import Numbers
from workers.backend.objective import NotMore, ObjectiveKind
from workers.backend.written import Written
from workers.errors import ModelError

if TYPE_CHECKING:
    from workers.backend.job import Job
    from workers.cortex_m.base.base_program import CortexMBase
    from workers.cortex_m.candidates.programs import CortexMPrograms
    from workers.cortex_m.target import Target

_UNCOSTED = NotMore("the operators without a known cost", metrics=("uncosted",), limiting=("uncosted",))


#: What the file of the default lowering counts for, in instructions. It is far below the error of any estimate, so that
#: the size of the file decides between candidates of equal instructions, and nothing else.
_FILE_COUNTS_FOR = 100


def _with_file_size(cost: Numbers, default: Numbers) -> int:
    """Decided instructions, and one for every per cent of the default lowering's file."""
    return cost["decided_instructions"] + _FILE_COUNTS_FOR * cost["flash_bytes"] // default["flash_bytes"]


@cache
def _facts() -> Mapping[str, str]:
    from search_space.recipe.source_hash import hash_of_sources
    from workers.cortex_m.target import COUNTED_WITH

    prices = Path(__file__).parent / "cost"
    return {"counted_with": COUNTED_WITH, "prices": hash_of_sources([prices, prices / "fitted.json"])}


class CortexM(Backend):
    """ExecuTorch lowers a model to calls of CMSIS-NN kernels and portable operators."""

    family: ClassVar[str] = "cortex-m"
    metrics: ClassVar[Sequence[Metric]] = (
        Metric(
            "instructions", "instructions", "estimated executed instructions of one inference", is_estimate=True,
        ),
        Metric(
            "decided_instructions", "decided instructions",
            "as instructions; those of the default lowering where the estimate does not tell the two apart",
        ),
        Metric(
            "uncosted", "operators without a known cost", "operators whose instructions are not known, counted as none",
            is_headline=True, may_not_rise=True,
        ),
        Metric("transposes", "transposes", "transposes between layouts", is_headline=True, is_tabled=True),
        Metric("float_operators", "float operators", "operators that compute in float", is_headline=True),
        Metric("operators", "operators", "operators in the file"),
    )  # fmt: skip
    objectives: Mapping[str, ObjectiveKind] = {
        "instructions": ObjectiveKind(
            "estimated executed instructions, of those that are indistinguishable the smaller file",
            _with_file_size,
            (_UNCOSTED,),
            _facts,
            has_ties=True,
        )
    }
    unit: ClassVar[str] = "instructions"
    compiler: ClassVar[str] = "ExecuTorch"
    example: ClassVar[str] = "cortex-m55"
    names: ClassVar[str] = "cortex-m(4|7|33|55|85)"

    def knows(self, name: str) -> bool:
        return name.startswith("cortex")

    def target(self, name: str, board: Mapping[str, str]) -> Target:
        from workers.cortex_m.target import Target

        return Target.parse(name)

    def cost_text(self, cost: int, metrics: Mapping[str, int]) -> str:
        # What is minimised has the size of the file in it, and is the default's where the two are indistinguishable.
        # Results of other versions may lack the metric.
        return f"{metrics.get('instructions', cost):,} {self.unit}"

    def versions(self) -> dict[str, str]:
        from workers.cortex_m.base.base_program import versions

        return versions()

    def identify(self, job: Job[Target]) -> Identified:
        from workers.cortex_m.base.base_program import identified

        return identified(job)

    def lower(self, job: Job[Target]) -> CortexMBase:
        from workers.cortex_m.base.base_program import lowered

        return lowered(job)

    def programs(self, job: Job[Target], base: CortexMBase) -> CortexMPrograms:
        from workers.cortex_m.base.base_program import requantised
        from workers.cortex_m.candidates.programs import CortexMPrograms

        return CortexMPrograms(
            base, job.target, job.seed, job.allowance.exactness, lambda rewrites: requantised(job, rewrites)
        )  # fmt: skip

    def meter(self, job: Job[Target], base: CortexMBase, setting: Setting) -> Meter:
        from workers.cortex_m.base.base_program import float_model
        from workers.cortex_m.candidates.meter import CortexMMeter

        if job.allowance.metric is not None:
            raise ModelError(f"{job.source}: --metric is not measured for Cortex-M; leave it out")
        return CortexMMeter(self.programs(job, base), float_model(job), base.samples)

    def passes(self, allowed: Exactness) -> Sequence[RecipePass]:
        from search_space.recipe.space import pass_instances
        from workers.cortex_m.passes.base import CortexMPass

        return pass_instances(CortexMPass, allowed)

    def is_workaround(self, recipe: str) -> bool:
        from workers.cortex_m.candidates.starting_points import is_workaround

        return is_workaround(recipe)

    def write(
        self, job: Job[Target], recipe: str, identity_key: str, program_hash: str, artifact_sha256: Sequence[str],
        out: Path,
    ) -> None:  # fmt: skip
        from workers.cortex_m.files import write

        write(self.programs(job, self.lower(job)), job, recipe, identity_key, artifact_sha256, out)

    def remarks(self, file: Path) -> Sequence[str]:
        from workers.backend.file_facts import facts_file

        return (f"{facts_file(file).name} beside it says for which class of processors it is",)

    def written(self, file: Path) -> Written | None:
        from workers.cortex_m.files import written

        return written(file, self.family)

    def warm_up(self) -> None:
        import torch  # noqa: F401


BACKEND = CortexM()
