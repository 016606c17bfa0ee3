"""Which memory of the board a region's base pointer leads to."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stdout

from workers.target import Target

#: Regions as Vela numbers them: constants, the arena, and fast memory for what is staged.
CONSTANTS, ARENA, STAGING = 0, 1, 2


def region_memories(target: Target) -> Mapping[int, str]:
    """Region -> Vela's name of the memory, as in `Sram`, `Dram`, `OffChipFlash`.

    Where a memory mode has everything in SRAM, Vela calls the constants' share of it `OnChipFlash` and gives it SRAM's
    bandwidth and latency. A region number of a chained feature map (U85) is no region.
    """
    with redirect_stdout(io.StringIO()):
        architecture = target.vela_architecture()
    return {
        CONSTANTS: architecture.permanent_storage_mem_area.name,
        ARENA: architecture.feature_map_storage_mem_area.name,
        STAGING: architecture.fast_storage_mem_area.name,
    }
