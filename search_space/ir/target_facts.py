"""What a pass may ask about the target that a program is lowered for."""

from __future__ import annotations

from math import prod
from typing import Protocol

from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape


class TargetFacts(Protocol):
    """Answers follow from the target and the toolchain's versions alone, so that a recipe means one program."""

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        """Predicted cycles of one TOSA TRANSPOSE by itself: of the operations that it becomes, or the larger of these
        and Vela's estimate where no evidence covers the target's transposes; by_vela: Vela's estimate. None if the
        target does not take it."""

    def program_cycles(self, program: Graph) -> tuple[int, int] | None:
        """Predicted cycles of a program by itself: stream cycles and Vela's estimate. None if the target does not take
        it."""

    def program_sram_bytes(self, program: Graph) -> int | None:
        """Peak SRAM of a program by itself. None if the target does not take it."""


class AnyTarget:
    """Facts where no target is known: a transpose costs what it moves, a program what its operators write, and memory
    is no matter."""

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        return prod(shape)

    def program_cycles(self, program: Graph) -> tuple[int, int] | None:
        written = sum(node.type.elements for _, node in program.operators())
        return written, written

    def program_sram_bytes(self, program: Graph) -> int | None:
        return 0


ANY_TARGET = AnyTarget()
