"""The operators of an exported program, and what two programs with the same ones have in common."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from search_space.ir.structure import Structure

if TYPE_CHECKING:
    from torch.export import ExportedProgram

Operators = tuple[tuple[str, str], ...]
"""Name, and shape of the result."""


def operators_of(program: ExportedProgram) -> Operators:
    """In program order."""
    nodes = (node for node in program.graph.nodes if node.op == "call_function")
    return tuple((str(node.target), str(getattr(node.meta.get("val"), "shape", ""))) for node in nodes)


def structure_of_operators(operators: Operators) -> Structure:
    """Equal for models that differ in weights only, or in weights and sizes."""
    return Structure(_digest([name for name, _ in operators]), _digest(list(map(str, operators))))


def _digest(parts: Sequence[str]) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
