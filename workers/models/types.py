"""What models are between their source and their lowering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram


@dataclass(frozen=True, eq=False)
class SourceModel:
    """An eager module with what is needed to export and to quantise it.

    Attributes:
        module: put into eval mode when it is exported.
        example_inputs: positional arguments; their shapes are the shapes that are compiled.
        calibration_inputs: argument tuples to quantise on, `None` when the model came with none.
        name: how to name it to people.
    """

    module: torch.nn.Module
    example_inputs: tuple[Any, ...]
    calibration_inputs: Sequence[tuple[Any, ...]] | None
    name: str


@dataclass(frozen=True)
class ExportedFile:
    """The bytes of a `.pt2` file: an exported program, float or already quantised."""

    data: bytes
    name: str


@dataclass(frozen=True)
class TosaFile:
    """The bytes of a `.tosa` file: one TOSA flatbuffer, which needs no lowering."""

    data: bytes
    name: str


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """An exported program with static shapes, and the inputs that came with it."""

    program: ExportedProgram
    example_inputs: tuple[Any, ...]
    calibration_inputs: Sequence[tuple[Any, ...]] | None
    name: str


def is_quantised(program: ExportedProgram) -> bool:
    """Whether a program has quantise or dequantise operators, and so must not be quantised again."""
    return any(
        str(node.target).startswith("quantized_decomposed.")
        for node in program.graph.nodes
        if node.op == "call_function"
    )
