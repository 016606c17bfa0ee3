"""Evaluators of programs that no model was lowered to."""

from dataclasses import replace
from pathlib import Path

from search_space.exactness import Exactness
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import BaseProgram, toolchain_versions
from workers.ethos_u.programs import Delegates, TosaPrograms
from workers.ethos_u.target import Target
from workers.evaluator import Evaluator


def base_of(tosa: tuple[bytes, ...]) -> BaseProgram:
    return BaseProgram(
        name="small", model_hash="m", io_layout="nchw", quantisation={"scheme": "q"}, key="small",
        versions=toolchain_versions(),
        graphs=tosa, calibration_inputs=((),) * len(tosa), warnings=(),
    )  # fmt: skip


def programs(
    base: BaseProgram, accelerator: str, folder: Path, allowed: Exactness = Exactness.EXACT, seed: int = 0
) -> TosaPrograms:
    return TosaPrograms(base, Target.parse(accelerator), Memo(folder), folder / "values", seed, allowed)


def evaluator(tosa: tuple[bytes, ...], accelerator: str, folder: Path, **changes: str) -> Evaluator[Delegates]:
    base = base_of(tosa)
    base = replace(base, versions=base.versions | changes)
    return Evaluator(programs(base, accelerator, folder))
