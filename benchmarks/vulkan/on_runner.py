"""The quality of a written file, run by a user's runner."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.vulkan import models
from workers.checking.sqnr import sqnr_of_outputs
from workers.models.exported.tensors import tensors
from workers.vulkan.model.base_program import SAMPLES
from workers.vulkan.runner import run_on


def quality_on(runner: str, model: str, file: Path) -> float:
    """How near a file's outputs come to those of the float model.

    Args:
        runner: a command as of `velatune tune --vk-runner`.
        model: name of a function of `benchmarks.vulkan.models`.
        file: a `.pte` of it.

    Returns:
        The signal-to-noise ratio of the worst output over the inputs that quality is simulated on, in dB.

    Raises:
        ModelError: the runner fails.
    """
    net, _, inputs = getattr(models, model)()
    program, samples = file.read_bytes(), inputs[:SAMPLES]
    with torch.no_grad():
        wanted = [tensors(net(*sample)) for sample in samples]
    found = [run_on(runner, program, sample, outputs) for sample, outputs in zip(samples, wanted, strict=True)]
    return min(sqnr_of_outputs(wanted, found))
