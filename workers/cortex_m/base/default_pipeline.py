"""ExecuTorch's default pipeline, which people have today.

Its result for a model is shown beside the one that is searched.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from workers.cache.atomic_write import write_whole
from workers.cortex_m.cost.price import price
from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import operator_calls, output_shapes
from workers.cortex_m.guards.all import verdicts
from workers.cortex_m.guards.float_operators import float_operators
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.lowering.write import written
from workers.cortex_m.target import InstructionSet, Target
from workers.errors import ModelError, one_line
from workers.models.exported.io_layout import relaid
from workers.models.types import ExportedModel


@dataclass(frozen=True)
class DefaultPipeline:
    """What the default pipeline makes of a model. Images that are not in channels_last order are copied to it first: it
    quantises no others.

    Attributes:
        fault: why the program cannot be used; empty if the guards know of nothing.
        instructions: estimated executed ones of one inference, those of uncosted operators left out.
        uncosted: how many operators have no known cost.
        sram_bytes, flash_bytes: as the memory plan asks for, and of the file.
        transposes: between layouts, copies to another order of axes among them.
        float_operators: that compute in float.
    """

    fault: str
    instructions: int = 0
    uncosted: int = 0
    sram_bytes: int = 0
    flash_bytes: int = 0
    transposes: int = 0
    float_operators: int = 0

    @property
    def is_known(self) -> bool:
        """Whether its program can be used, and the cost of all its operators is known."""
        return not self.fault and not self.uncosted

    def __str__(self) -> str:
        if self.fault:
            return f"ExecuTorch's default pipeline cannot be used: {self.fault}"
        beside = f"{self.sram_bytes:,} bytes of SRAM, {self.flash_bytes:,} in the file"
        unknown = f", {self.uncosted} operators without a known cost left out" if self.uncosted else ""
        return f"ExecuTorch's default pipeline: {self.instructions:,} instructions (predicted){unknown}, {beside}"


def default_pipeline(
    model: ExportedModel, calibration: Sequence[tuple[Any, ...]], target: Target, kept: Path
) -> DefaultPipeline:
    """What ExecuTorch's default pipeline makes of a model.

    Args:
        model: before it is quantised.
        calibration: inputs whose values the ranges are taken from.
        target: to lower for.
        kept: a file for answers for both classes of processors. Its name says of which model, toolchain and costs.

    Returns:
        The cost of the program, or why there is none that can be used.
    """
    wanted = target.instruction_set.value
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # it is not there, or damaged
        return DefaultPipeline(**json.loads(kept.read_text(encoding="utf-8"))[wanted])
    found = _found(model, calibration)
    with contextlib.suppress(OSError):  # it is found out anew then
        write_whole(kept, json.dumps({name: asdict(one) for name, one in found.items()}).encode())
    return found[wanted]


def _found(model: ExportedModel, calibration: Sequence[tuple[Any, ...]]) -> dict[str, DefaultPipeline]:
    """By class of processors; quantising takes longer than lowering for both."""
    try:
        module = _in_channels_last(_OnChannelsLast(model.program.module(check_guards=False)))
        quantised = quantise(module, model.example_inputs, calibration, explicit_layout=False)
        edge = to_edge(quantised)
    except ModelError as error:
        return {one.value: DefaultPipeline(str(error)) for one in InstructionSet}
    shapes = output_shapes(quantised)
    return {one.value: _lowered(edge, shapes, Target.counted(one)) for one in InstructionSet}


def _lowered(edge: ExportedProgram, shapes: list[tuple[int, ...]], target: Target) -> DefaultPipeline:
    try:
        program = Lowering(edge, target, explicit_layout=False).lowered(())
        worst = next((one for one in verdicts(program, target, shapes) if one.severity is not Severity.FLOAT), None)
        if worst is not None:
            return DefaultPipeline(f"it {worst.severity.value} on {target.cpu}: {worst.message}")
        file = written(program)
    except ModelError as error:
        return DefaultPipeline(str(error))
    cost = price(operator_calls(program), target)
    kinds = [operator_of(node) for node in program.graph.nodes if node.op == "call_function"]
    moved = sum(map(kinds.count, ("transpose", "permute_copy", "_clone_dim_order")))
    floats = len(float_operators(program))
    return DefaultPipeline(
        "", cost.instructions, len(cost.uncosted), file.planned_sram, len(file.content), moved, floats
    )


def _in_channels_last(module: torch.nn.Module) -> torch.nn.Module:
    try:
        moved: torch.nn.Module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    except RuntimeError as error:  # weights of rank 5, as of a Conv3d, have no such order
        raise ModelError(f"its weights cannot be put into channels_last order: {one_line(error)}") from error
    return moved


class _OnChannelsLast(torch.nn.Module):
    """A model behind copies of its images to channels_last order; those that are in that order are not copied."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Any) -> Any:
        return self.model(*relaid(inputs, "nhwc"))
