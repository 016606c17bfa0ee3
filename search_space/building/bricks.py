"""What the NPU works on comes in bricks: a part of one takes as long as all of it."""

from __future__ import annotations


def up(size: int, brick: int) -> int:
    """The size of the bricks that so many elements need."""
    return -(-size // brick) * brick
