"""The questions that a pass may ask about the target."""

from __future__ import annotations

from math import prod
from typing import Protocol

from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape


class TargetFacts(Protocol):
    """Answers depend only on the target and the toolchain's versions, so that a recipe defines one program."""

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        """Predicted cycles of one TOSA TRANSPOSE by itself.

        They are the stream cycles of the operations that it becomes. Where no measurements cover the target's
        transposes, the larger of these and Vela's estimate is taken.

        Args:
            shape: shape of its input.
            perms: its permutation.
            dtype: its element type.
            by_vela: return Vela's estimate alone.

        Returns:
            Cycles, or None if the target does not take the TRANSPOSE.
        """

    def program_cycles(self, program: Graph) -> tuple[int, int] | None:
        """Predicted cycles of a program by itself: stream cycles and Vela's estimate. None if the target does not take
        it."""

    def program_sram_bytes(self, program: Graph) -> int | None:
        """Peak SRAM of a program by itself, in bytes. None if the target does not take it."""

    def sum_scale_bits(self) -> int:
        """Bits of the multiplier by which a convolution of INT16 can scale its INT48 sums, at most 31."""


class AnyTarget(TargetFacts):
    """Facts for an unknown target.

    A transpose costs one cycle for each element, a program one for each element that its operators write. SRAM is 0.
    Sums are scaled by any multiplier.
    """

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        return prod(shape)

    def program_cycles(self, program: Graph) -> tuple[int, int] | None:
        written = sum(node.type.elements for _, node in program.operators())
        return written, written

    def program_sram_bytes(self, program: Graph) -> int | None:
        return 0

    def sum_scale_bits(self) -> int:
        return 31


ANY_TARGET = AnyTarget()
