"""What ExecuTorch makes of a model by another setting than its own.

Also whether that may stand in for the default.

Each setting is lowered once; its base program is kept on disk beside the default one. What it came to is remembered for
this model and these versions. So what ExecuTorch fails on, or what ends the process, is tried once.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.ir.verifier import verify
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from workers.backend.job import Job
from workers.backend.settings import SettingStatus
from workers.cache.memo import Memo
from workers.checking.defined_inputs import on_defined_inputs
from workers.checking.reference_check import check
from workers.checking.verdict import Verdict
from workers.checking.whole_outputs import WholeOutputs
from workers.errors import ModelError, ReferenceFailed
from workers.ethos_u.lowering.base_program import BaseProgram, exported_model, lowered_setting, setting_key
from workers.ethos_u.lowering.checks.whole_check import check_whole
from workers.ethos_u.target import Target


def setting_status(base: BaseProgram, setting: Setting, job: Job[Target]) -> SettingStatus:
    """Lower by a setting and check it, unless that was done.

    Args:
        base: the default program of the job.
        setting: inside ExecuTorch.
        job: the model and its target.

    Returns:
        What came of it.
    """
    memo, key = _remembered(base, setting, job)
    known = memo.get(**key)
    if known is None:
        known = asdict(_found(base, setting, job))
        memo.put_if_possible(known, **key)
    return SettingStatus(**known)


def remember_lost(base: BaseProgram, setting: Setting, job: Job[Target], reason: str) -> None:
    """Note that lowering by a setting cost the process, so that nobody tries it again.

    Args:
        base: the default program of the job.
        setting: inside ExecuTorch.
        job: the model and its target.
        reason: how the process was lost, in one line.
    """
    memo, key = _remembered(base, setting, job)
    memo.put_if_possible(asdict(SettingStatus("refused", reason)), **key)


def base_by(base: BaseProgram, setting: Setting, job: Job[Target]) -> BaseProgram:
    """The base program by a setting, from the cache or lowered now.

    Args:
        base: the default program of the job.
        setting: inside ExecuTorch.
        job: the model and its target.

    Returns:
        The base program.

    Raises:
        ModelError: ExecuTorch fails.
    """
    return lowered_setting(
        base,
        setting,
        lambda: exported_model(job.source, job.io_layout),
        job.target,
        cache_dir=job.cache_dir / "lowered",
        seed=job.seed,
        calibration_data=job.calibration_data,
    )


def _remembered(base: BaseProgram, setting: Setting, job: Job[Target]) -> tuple[Memo, dict[str, Any]]:
    key = {"kind": "setting", "base": setting_key(base, setting), "seed": job.seed, "versions": base.versions}
    return Memo(job.cache_dir / "memo"), key


def _found(base: BaseProgram, setting: Setting, job: Job[Target]) -> SettingStatus:
    if base.interface is None:
        return SettingStatus("refused", "a .tosa file is lowered already")
    try:
        other = base_by(base, setting, job)
    except ModelError as error:
        return SettingStatus("refused", str(error))
    if other.graphs == base.graphs and other.host_operators == base.host_operators:
        return SettingStatus("same", "it lowers to the default's program")
    if Recipe(setting).exactness > Exactness.EXACT:
        return SettingStatus("inexact", "its outputs may be others than the default's")
    try:
        verdict = _verdict(base, other, setting, job)
    except ReferenceFailed as error:
        return SettingStatus("refused", f"it cannot be checked, {error}")
    return SettingStatus("ok") if verdict.equal else SettingStatus("wrong", verdict.reason)


def _verdict(base: BaseProgram, other: BaseProgram, setting: Setting, job: Job[Target]) -> Verdict:
    """Delegate by delegate where both programs are cut at the same places, else from the model's inputs on."""
    pairs = [
        (verify(read_tosa(default)), verify(read_tosa(candidate)))
        for default, candidate in zip(base.graphs, other.graphs, strict=False)
    ]
    alike = all(
        [a[i].type for i in (*a.inputs, *a.outputs)] == [b[i].type for i in (*b.inputs, *b.outputs)] for a, b in pairs
    )
    if len(base.graphs) != len(other.graphs) or base.host_operators != other.host_operators or not alike:
        model = exported_model(job.source, job.io_layout)
        assert model is not None
        return check_whole(model, job.target, setting, seed=job.seed, calibration_data=job.calibration_data)
    for (default, candidate), calibration in zip(pairs, base.calibration_inputs, strict=True):
        verdict = check(candidate, default, on_defined_inputs(WholeOutputs, default, calibration, job.seed))
        if not verdict.equal:
            return verdict
    return Verdict(True)
