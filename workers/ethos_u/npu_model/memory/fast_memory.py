"""How large the memory of its own is that a command stream was made for: a `.pte` does not say it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workers.ethos_u.command_stream import Operation, decode
from workers.ethos_u.npu_model.memory.feature_maps import layout
from workers.ethos_u.npu_model.memory.memory import FAST


def fast_bytes(command_stream: bytes) -> int | None:
    """The end of what a stream reads or writes in region 2, at the latest; None if it does neither.

    Raises:
        StreamError: it is no command stream. Unmodelled: a feature map is stored in a way that is not known.
    """
    return max((end for one in decode(command_stream).operations for end in _ends(one)), default=None)


def _ends(operation: Operation) -> Iterator[int]:
    for span in (*operation.weights, *operation.scales):
        if span.region == FAST:
            yield span.address + span.length_bytes
    if operation.dma is not None:
        for end, span in (("SRC", operation.dma.source), ("DST", operation.dma.destination)):
            if span.region == FAST:
                yield span.address + span.length_bytes + _to_last_row(operation, end)
        return
    for role, one in (("IFM", operation.ifm), ("IFM2", operation.ifm2), ("OFM", operation.ofm)):
        if one is not None and one.in_memory and one.region == FAST:
            place = layout(operation, role, one)
            yield place.reach([np.array([address]) for address in one.addresses])[1]


def _to_last_row(operation: Operation, end: str) -> int:
    """Bytes from the first row of a copy to the last one that it may reach."""
    number, dma = operation.registers.number, operation.dma
    assert dma is not None
    dimensions = operation.registers.choice("DMA0_SRC_REGION", "stride_mode")
    indexed = {"SRC": "source", "DST": "destination"}[end] == dma.indexed
    reach = 0
    if dimensions != "D1" or dma.indexed:
        rows = number("DMA0_IDX_MAX") + 1 if indexed else number("DMA0_SIZE0")
        if rows > 1:
            reach += (rows - 1) * operation.registers.signed(f"DMA0_{end}_STRIDE0", 40)
    if dimensions == "D3" and number("DMA0_SIZE1") > 1:
        reach += (number("DMA0_SIZE1") - 1) * operation.registers.signed(f"DMA0_{end}_STRIDE1", 40)
    return reach
