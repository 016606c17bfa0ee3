"""The search that a user of ExecuTorch would write today: Optuna around `to_edge_transform_and_lower`.

A trial switches passes of ExecuTorch's Arm pipeline off and lowers the quantised program. ExecuTorch's backend compiles
it with Vela, and the trial reads the cycles from Vela's summary. The program is exported and quantised once, outside
the loop. Nothing checks that the outputs stay the same.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna

from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.lowering import Quantised, quantised_program
from workers.ethos_u.lowering.toolchain import to_edge
from workers.ethos_u.target import Target
from workers.output_capture import captured, toolchain_hushed

#: Passes that make programs smaller and that ExecuTorch's pipeline can do without.
TOGGLED = (
    "FuseConsecutiveRescalesPass",
    "FuseConsecutiveSlicesPass",
    "FuseDuplicateUsersPass",
    "FuseIdenticalInputTransformsPass",
    "FoldScalarMulIntoConvPass",
    "MoveDataMovementOpsToSmallerDtypePass",
    "PropagateViewCopyPermuteDownPass",
    "PropagateViewCopyPermuteUpPass",
)


class PlainLoop:
    """The loop over one model and target; each `step` is one trial."""

    def __init__(self, source: str, target: Target) -> None:
        self._program = _quantised(source, target)
        self._study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))

    def step(self) -> None:
        """One trial: a lowering that ExecuTorch refuses counts as one too."""
        self._study.optimize(self._cycles, n_trials=1, catch=(Exception,))

    def _cycles(self, trial: optuna.Trial) -> int:
        off = {name for name in TOGGLED if not trial.suggest_categorical(name, (True, False))}
        with captured(), _without(off), _summaries() as folder:
            to_edge(self._program.program, self._program.compile_spec)
            return sum(map(_cycles_in, folder.rglob("*summary*.csv")))


def _quantised(source: str, target: Target) -> Quantised:
    with captured():
        model = exported_model(source)
        assert model is not None, "the loop needs a PyTorch model"
        return quantised_program(model, target, seed=0)


@contextmanager
def _without(names: Collection[str]) -> Iterator[None]:
    """Let ExecuTorch's pipeline leave out these passes, in the way in which its own options do it."""
    with toolchain_hushed():
        from executorch.backends.arm import _passes
        from executorch.backends.arm._passes.arm_pass_manager import ArmPassManager

    stock = ArmPassManager.configure_skip_passes

    def configured(manager: Any) -> tuple[type, ...]:
        manager._skip_pass_types = (*stock(manager), *(getattr(_passes, name) for name in names))
        return manager._skip_pass_types

    ArmPassManager.configure_skip_passes = configured
    try:
        yield
    finally:
        ArmPassManager.configure_skip_passes = stock


@contextmanager
def _summaries() -> Iterator[Path]:
    """A folder in which every delegate's compilation leaves Vela's files, each in one of its own."""
    from executorch.backends.arm.ethosu import backend

    stock = backend.vela_compile
    with tempfile.TemporaryDirectory() as folder:

        def kept(tosa_flatbuffer: bytes, args: list[str], **options: Any) -> Any:
            options["intermediate_path"] = tempfile.mkdtemp(dir=folder)
            return stock(tosa_flatbuffer, args, **options)

        backend.vela_compile = kept
        try:
            yield Path(folder)
        finally:
            backend.vela_compile = stock


def _cycles_in(summary: Path) -> int:
    with summary.open(newline="") as file:
        return sum(round(float(row["cycles_total"])) for row in csv.DictReader(file))
