"""Reading, computing and output of an operation beside each other, block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """Cycles that one stage of the pipeline works.

    Attributes:
        total: on all blocks.
        first: until it hands on the first block.
        last: on the last block, after the stage before has handed it on.
    """

    total: float
    first: float
    last: float

    def beside(self, other: Stage) -> Stage:
        """The slower of two that work on the same block at the same time."""
        return Stage(max(self.total, other.total), max(self.first, other.first), max(self.last, other.last))

    def then(self, other: Stage) -> Stage:
        """Two that take turns at each block."""
        return Stage(self.total + other.total, self.first + other.first, self.last + other.last)


def staged(parts: Iterable[tuple[int, float]]) -> Stage:
    """A stage by how many blocks take how many cycles each, in order."""
    found = list(parts)
    return Stage(sum(count * cycles for count, cycles in found), found[0][1], found[-1][1])


@dataclass(frozen=True)
class Ends:
    """Cycles in which the pipeline of an operation fills and empties.

    Attributes:
        reads: until its first block is read.
        computes: after that, until its first block is computed.
        computing: on its last block, after it was read.
        leaving: on its last block, after it was computed.
    """

    reads: float
    computes: float
    computing: float
    leaving: float


def beside(before: Ends, after: Ends, apart: bool) -> float:
    """Cycles that an operation runs beside the one before it.

    A stage begins with the next operation when it has ended with the one before. So the first block is computed while
    the last one of the operation before leaves. It is also read while that one is computed if nothing depends on that:
    `apart`.

    Source: velatune's own model; docs/objective.md compares it with measurements.

    Args:
        before: first and last blocks of the operation before.
        after: those of the operation itself.
        apart: it reads nothing that the one before writes.

    Returns:
        Cycles.
    """
    read_early = min(after.reads, before.computing) if apart else 0.0
    return min(after.reads + after.computes, before.leaving + read_early)


def pipelined(read: Stage, weights: Stage, macs: Stage, output: Stage, late_weights: float) -> float:
    """Cycles from the first byte read to the last one written.

    The slowest stage works without a gap. Before it starts, the first block passes the earlier stages. After it ends,
    the last block passes the later ones. Weights come in beside the IFM, and are used as they come.

    Source: velatune's own model; docs/objective.md compares it with measurements.

    Args:
        read: reading of feature maps.
        weights: reading of weights.
        macs: the MACs.
        output: the output unit and what it writes.
        late_weights: cycles in which weights arrive that no buffer takes before there is work for them.

    Returns:
        Cycles.
    """
    ready = max(read.first + macs.first, weights.first)
    return max(
        read.total + macs.last + output.last,
        weights.total + output.last,
        read.first + late_weights + output.last,
        ready - macs.first + macs.total + output.last,
        ready + output.total,
    )
