"""A lower bound of cycles for every lowering of a program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """Predicted lower bounds of a program's cycles on the device, host work left out.

    Attributes:
        macs: multiplications of its convolutions and matrix products, without taps that meet padding alone.
        mac_cycles: if all of the device's multipliers were busy.
        moved_bytes: results of its delegates, and what these depend on of their inputs.
        move_cycles: at the bandwidth of the working memory.
        constant_bytes_per_cycle: bandwidth of the memory with weights and commands. How many bytes they take depends on
            the lowering.
    """

    macs: int
    mac_cycles: int
    moved_bytes: int
    move_cycles: int
    constant_bytes_per_cycle: float
