"""The size of the NPU's own memory for a command stream, which a `.pte` does not say."""

from __future__ import annotations

from collections.abc import Iterator

from workers.ethos_u.command_stream import Decoded, Operation, Run, decode
from workers.ethos_u.npu_model.machine.plan import addresses_within
from workers.ethos_u.npu_model.memory.feature_maps import layout
from workers.ethos_u.npu_model.memory.memory import FAST


def fast_bytes(command_stream: bytes) -> int | None:
    """The end of what a stream reads or writes in region 2, at the latest; None if it does neither.

    Raises:
        StreamError: it is no command stream. Unmodelled: a feature map is stored in a way that is not known.
    """
    decoded = decode(command_stream)
    return max((end for run in decoded.runs for end in _ends_of_run(decoded, run)), default=None)


def _ends_of_run(decoded: Decoded, run: Run) -> Iterator[int]:
    operation, count = run.first, len(run.offsets)
    if operation.dma is not None or any(span.region == FAST for span in (*operation.weights, *operation.scales)):
        for each in decoded.operations_of(run):
            yield from _ends_of_spans(each)
    # A run may have thousands of operations: their addresses are looked at together.
    changes = decoded.addresses(run) if count > 1 else {}
    for role, one in (("IFM", operation.ifm), ("IFM2", operation.ifm2), ("OFM", operation.ofm)):
        if one is not None and one.in_memory and one.region == FAST:
            addresses = addresses_within(operation.registers, changes, role, count)
            yield layout(operation, role, one).reach(addresses)[1]


def _ends_of_spans(operation: Operation) -> Iterator[int]:
    for span in (*operation.weights, *operation.scales):
        if span.region == FAST:
            yield span.address + span.length_bytes
    if operation.dma is not None:
        for end, span in (("SRC", operation.dma.source), ("DST", operation.dma.destination)):
            if span.region == FAST:
                yield span.address + span.length_bytes + _to_last_row(operation, end)


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
