"""What a runner makes of a program, beside what the gate says of it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

import torch

from benchmarks.vulkan.gate.programs import exported
from benchmarks.vulkan.gate.quantised import Lowering
from workers.checking.sqnr import sqnr_of_outputs
from workers.errors import ModelError
from workers.models.exported.tensors import tensors
from workers.vulkan.check.run import run_lowered
from workers.vulkan.files.pte import pte_bytes
from workers.vulkan.gate.verdict import Verdict, verdict_of
from workers.vulkan.lowering.lowering import lower
from workers.vulkan.programs import RUNNER_DB
from workers.vulkan.runner import run_on
from workers.vulkan.target import VulkanTarget


@dataclass(frozen=True)
class Outcome:
    """What came of a program.

    Attributes:
        verdict: of the gate.
        decibels: of the worst output against the reference; None where the runner failed.
        words: the runner's last ones where it failed.
    """

    verdict: Verdict
    decibels: float | None
    words: str = ""

    @property
    def is_right(self) -> bool:
        """Whether it ran and came near enough to the reference."""
        return self.decibels is not None and self.decibels >= RUNNER_DB

    def __str__(self) -> str:
        return f"aborts, {self.words}" if self.decibels is None else f"{self.decibels:.0f} dB"


def outcome(program: Lowering, runner: str) -> Outcome:
    """Lower a program, judge it, and run it once.

    Args:
        program: any.
        runner: a command as of `velatune tune --vk-runner`.

    Returns:
        What came of it. Float programs are compared with PyTorch, quantised ones with the references.

    Raises:
        ModelError: it does not lower.
    """
    model, settings = exported(program.case), program.settings()
    sample = model.example_inputs
    lowered = lower(model, VulkanTarget(), settings, [sample])
    judged = verdict_of(lowered)
    wanted = tensors(model.program.module(check_guards=False)(*sample))
    if settings.schemes:
        with suppress(Exception):  # a reference takes no operands that the runtime does not take
            wanted = run_lowered(lowered, sample, half=settings.half)
    try:
        found = run_on(runner, pte_bytes(lowered, "program"), torch.utils._pytree.tree_leaves(sample), wanted)
    except ModelError as error:
        return Outcome(judged, None, _reason(str(error)))
    pairs = zip(wanted, found, strict=True)
    decibels = min(sqnr_of_outputs([(one.double(),)], [(other.double(),)])[0] for one, other in pairs)
    return Outcome(judged, decibels)


def _reason(words: str) -> str:
    """A runner's last words without the place in the source that they come from."""
    return re.split(r"\.cpp:\d+[):] ", words)[-1].rpartition(", assert failed ")[2].strip()
