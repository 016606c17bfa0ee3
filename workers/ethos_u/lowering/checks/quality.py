"""How near a lowered program comes to the float model it was made from.

The measure is the signal-to-quantisation-noise ratio (`workers.checking.sqnr`), over all elements and all calibration
inputs. Programs are run from the model's inputs to its outputs. The TOSA reference model runs delegates, PyTorch what
is between them. Of several outputs the worst counts: in a mean, a large one would hide a small one's noise. Outputs of
integers are compared as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from search_space.choices.frontend.base import Setting
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.recipe.space import program_hash
from search_space.tosa_file.reader import read_tosa
from workers.cache.memo import Memo
from workers.checking.allowance import Metric, Quality
from workers.checking.reference import run_reference
from workers.checking.sqnr import MOST_DB, sqnr_of_outputs
from workers.errors import ModelError
from workers.ethos_u.lowering.base_program import BaseProgram, exported_model
from workers.ethos_u.lowering.delegates.delegate_calls import delegate_calls
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered
from workers.ethos_u.lowering.lowering import program_around, quantised_program
from workers.ethos_u.lowering.quantise import one_torch_thread
from workers.ethos_u.target import Target
from workers.models.exported.state.module_state import state_kept
from workers.models.exported.tensors import tensors
from workers.models.types import is_quantised
from workers.models.user_code import user_function
from workers.output_capture import toolchain_hushed

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node

    from workers.backend.job import Job

#: Calibration inputs that an SQNR is taken over; a user's metric gets all of them.
_INPUTS = 16

Outputs = tuple["torch.Tensor", ...]


class QualityMeter:
    """Measures programs of one model, target and setting; what it finds out goes into the memo."""

    def __init__(self, job: Job[Target], base: BaseProgram, setting: Setting) -> None:
        """Measure; nothing is run yet.

        Args:
            job: the model and its target.
            base: the default program of the job, or the one by `setting`.
            setting: inside ExecuTorch; empty for its own.
        """
        self.job, self._base, self._setting = job, base, setting
        self._memo = Memo(job.cache_dir / "memo")
        self._around: _Around | None = None

    def quality(self, program: Sequence[Graph]) -> Quality:
        """Measure how near a lowered program comes to the float model.

        Args:
            program: one graph for each delegate, in call order.

        Returns:
            The SQNR of its worst output and the user's metric, on the calibration inputs.

        Raises:
            ModelError: there is no float model to compare with, or the user's metric fails.
            ReferenceFailed: the reference model does not run the program.
        """
        metric = self.job.allowance.metric
        key = {
            "kind": "quality", "program": program_hash(program), "base": self._base.key, "inputs": _INPUTS,
            "metric": metric and [metric.function, metric.sha256], "versions": self._base.versions,
        }  # fmt: skip
        known = self._memo.get(**key)
        if known is None:
            if self._around is None:
                self._around = _Around(self.job, self._base, self._setting)
            known = asdict(self._around.quality(program, metric))
            self._memo.put_if_possible(known, **key)
        return Quality(**known)

    def of_base(self) -> Quality:
        """Of what ExecuTorch makes of the model; raises as `quality`."""
        return self.quality([verify(read_tosa(graph)) for graph in self._base.graphs])


class _Around:
    """What surrounds a model's delegates, and what the float model gives."""

    def __init__(self, job: Job[Target], base: BaseProgram, setting: Setting) -> None:
        model = exported_model(job.source, job.io_layout)
        if model is None:
            raise ModelError(
                f"{job.source}: a .tosa file says nothing about the float model; only exact recipes are for it"
            )
        seed, data = job.seed, job.calibration_data
        if is_quantised(model.program):
            if job.allowance.metric is None:
                raise ModelError(f"{job.source}: is quantised, there is no float model to compare with; give --metric")
            seed, data = 0, None  # what is known of such a model depends on neither
        quantised = quantised_program(model, job.target, seed=seed, calibration_data=data, setting=setting)
        program = program_around(model, job.target, quantised, setting)
        self._name = job.source
        self._samples = quantised.samples if job.allowance.metric is not None else quantised.samples[:_INPUTS]
        self._module: GraphModule = program.module(check_guards=False)
        self._calls = {call.name: at for at, call in enumerate(delegate_calls(self._module))}
        if len(self._calls) != len(base.graphs):
            raise ModelError(
                f"{job.source}: its delegates inside control flow cannot be run; only exact recipes are for it"
            )
        if not is_quantised(model.program):  # else what was recorded may be of other inputs
            self._check_order(base)
        original = model.program.module(check_guards=False)
        with one_torch_thread(), toolchain_hushed():
            self._expected = [_anew(original, sample) for sample in self._samples]

    def quality(self, program: Sequence[Graph], metric: Metric | None) -> Quality:
        outputs = [self._outputs(program, sample) for sample in self._samples]
        ratios = sqnr_of_outputs(self._expected, outputs)
        value = None if metric is None else self._by(metric, outputs)
        return Quality(min(ratios, default=MOST_DB), len(self._samples), value)

    def _outputs(self, program: Sequence[Graph], sample: tuple[Any, ...]) -> Outputs:
        def run(call: Node, arrays: tuple[np.ndarray, ...]) -> list[np.ndarray]:
            return run_reference(program[self._calls[call.name]], arrays)

        with toolchain_hushed():
            return tensors(run_lowered(self._module, sample, run=run))

    def _by(self, metric: Metric, outputs: list[Outputs]) -> float:
        metric.check_unchanged()
        function = user_function(f"--metric {metric.source}", metric.place, metric.function)
        value = function(outputs, self._expected)
        try:
            number = float(value)
        except (TypeError, ValueError, RuntimeError):
            raise ModelError(f"--metric {metric.source}: returned a {type(value).__name__}, not a number") from None
        if not math.isfinite(number):
            raise ModelError(f"--metric {metric.source}: returned {number}")
        return number

    def _check_order(self, base: BaseProgram) -> None:
        """Raises ModelError if what reaches the delegates is not what reached those that were lowered before."""
        graphs = [read_tosa(graph) for graph in base.graphs]
        for number, sample in enumerate(self._samples[: max(map(len, base.calibration_inputs), default=0)]):

            def run(call: Node, arrays: tuple[np.ndarray, ...], number: int = number) -> list[np.ndarray]:
                at = self._calls[call.name]
                known = base.calibration_inputs[at][number]
                if [a.tobytes() for a in arrays] != [b.tobytes() for b in known]:
                    raise ModelError(f"{self._name}: ExecuTorch partitions it in another way than before")
                return run_reference(graphs[at], arrays)

            with toolchain_hushed():
                run_lowered(self._module, sample, run=run)


def _anew(module: GraphModule, sample: tuple[Any, ...]) -> Outputs:
    """What a module gives from the state that it starts with."""
    with state_kept(module):
        return tensors(module(*sample))
