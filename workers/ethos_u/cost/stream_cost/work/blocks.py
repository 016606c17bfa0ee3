"""The blocks of an operation.

At the far end of an axis they may be smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.cost.stream_cost.work.work import Work


@dataclass(frozen=True)
class Blocks:
    """Blocks of one size.

    Attributes:
        count: how many there are.
        shape: (height, width, depth) in elements of the output.
    """

    count: int
    shape: Shape

    @property
    def elements(self) -> int:
        """Of one block."""
        height, width, depth = self.shape
        return height * width * depth


def blocks(work: Work) -> list[Blocks]:
    """All blocks of an operation by size, whole ones first: one to eight sizes."""
    axes = [along(size, block) for size, block in zip(work.output.shape, work.ofm_block, strict=True)]
    return [
        Blocks(rows * columns * slices, (high, wide, deep))
        for high, rows in axes[0]
        for wide, columns in axes[1]
        for deep, slices in axes[2]
    ]


def along(size: int, block: int) -> list[tuple[int, int]]:
    """An axis in blocks.

    Args:
        size: of the axis.
        block: size of a block along it.

    Returns:
        Length and count of the blocks on it, the whole ones first.
    """
    whole, rest = divmod(size, block)
    return [(length, count) for length, count in ((block, whole), (rest, 1)) if length and count]


def up(size: int, part: int) -> int:
    """How many parts it takes to cover a size.

    Args:
        size: of the whole.
        part: of one part, above 0.

    Returns:
        The size divided by the part, rounded up.
    """
    return -(-size // part)
