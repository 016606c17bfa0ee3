"""Rounding of sizes up to the NPU's bricks.

A part of a brick takes as long as all of it.
"""

from __future__ import annotations


def round_up(size: int, brick: int) -> int:
    """Round a size up to whole bricks.

    Args:
        size: number of elements.
        brick: elements of a brick.

    Returns:
        The smallest multiple of `brick` that is at least `size`.
    """
    return -(-size // brick) * brick
