"""Vela's rows once more, from what Vela feeds its model: the debug tables, and the peculiarities of version 5.1.0.

If our formulas are Vela's, they make its rows of its inputs, cycle for cycle. What is left between stream cycles and
Vela's is then only what each is fed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from workers.command_stream import Kind, Operation
from workers.stream_cost.board import TABLES, Memory
from workers.stream_cost.compute import compute_cycles
from workers.stream_cost.npu import Npu
from workers.stream_cost.output_rate import cycles_per_element
from workers.stream_cost.reading import work_of
from workers.stream_cost.traffic import memory_cycles
from workers.stream_cost.transfer import channel_bytes_per_cycle
from workers.stream_cost.work import Channel, Move, Tensor, Unit, Weights, Work

Cells = Mapping[str, str]
_BITS = {"Int8": 8, "UInt8": 8, "Int16": 16, "UInt16": 16, "Int32": 32, "Int48": 48, "Int64": 64, "Bool8": 8}


@dataclass(frozen=True)
class Recomputed:
    """A row by our formulas: cycles of the NPU, of each memory (as far as named in Vela's tables), and of the row."""

    npu_cycles: int
    memory_cycles: Mapping[str, int]
    cycles: int
    compute_cycles: int


def recompute(
    npu: Npu, perf: Cells, debug: Cells, main: Cells, operations: Sequence[Operation], subs: int, slack_cycles: int
) -> Recomputed | None:
    """One row of Vela's table, or None for the rows that its model has no formula of operations for.

    Args:
        perf, debug, main: its cells in `perf`, `perf_debug` and `perf_debug_main`.
        operations: what belongs to it in the stream, in order.
        subs: how many rows ride in it.
        slack_cycles: how long copies for it can hide behind the row before.
    """
    computing = [one for one in operations if one.computes]
    if not computing or (not npu.u85 and perf["operator"] in ("Transpose", "MatMul")):
        return None
    if any(debug[f"{name}_shape_n"] not in ("0", "1") for name in ("ifm", "ifm2", "ofm")):
        return None
    work = _as_vela_feeds_it(npu, perf, debug, main, computing, subs, operations)
    computed = 0 if work.unit is Unit.RESIZE else compute_cycles(npu, work)
    npu_cycles = computed
    tables = sum(
        _copy(npu, npu.regions[0], TABLES, one.dma.length_bytes)
        for one in operations
        if one.dma is not None and one.dma.destination.region is None and perf["operator"] == "LUT"
    )
    if debug["weight_buffering"] not in ("", "None"):
        first = _first_copy_bytes(debug, operations)
        visible = max(0, _copy(npu, npu.regions[0], npu.regions[2], first) - slack_cycles)
        npu_cycles = max(int(debug["weight_transfer_cycles"]) - slack_cycles + computed, computed + visible)
    else:
        tables = max(0, tables - slack_cycles)
    npu_cycles += tables
    busy = {memory.name: cycles for memory, cycles in memory_cycles(npu, work).items()}
    return Recomputed(npu_cycles, busy, max(npu_cycles, *busy.values(), 0), computed)


def _as_vela_feeds_it(
    npu: Npu, perf: Cells, debug: Cells, main: Cells, computing: Sequence[Operation], subs: int,
    operations: Sequence[Operation],
) -> Work:  # fmt: skip
    first = computing[0]
    chain = _chain(computing)
    work = work_of(npu, chain)
    names = ["ifm"] + (["ifm2"] if debug["ifm2_shape_n"] != "0" else [])
    inputs = tuple(_tensor(npu, debug, name) for name in names)
    if work.unit.uses_macs:
        # Vela leaves out what the second input of a matrix product takes.
        inputs = (*inputs[:1], *(replace(one, counted_bits=0) for one in inputs[1:]))
    output = _tensor(npu, debug, "ofm")
    ifm_block, ofm_block = (_shape(main, f"{name}_block") for name in ("ifm", "ofm"))
    work = replace(
        work,
        kernel=(int(debug["kernel_size_y"]), int(debug["kernel_size_x"])),
        inputs=inputs,
        channels=(*work.channels, *(Channel.STREAM,) * 2)[: len(inputs)],
        ifm_shape=inputs[0].shape,
        ifm_bits=inputs[0].bits,
        output=output,
        ifm_block=ifm_block,
        ofm_block=ofm_block,
        part_kernel=main["traversal"] == "PartKernel",
        cycles_per_element=_rate(npu, perf, chain, subs),
        rereads_broadcasts=not npu.u85,
    )
    return replace(
        work, weights=_weights(npu, debug, work, first), moves=(*work.moves, *_staged(npu, debug, operations))
    )


def _rate(npu: Npu, perf: Cells, chain: Sequence[Operation], subs: int) -> float:
    if npu.u85:
        return sum(cycles_per_element(npu, one) for one in chain)
    rate = cycles_per_element(npu, chain[0])
    # 5.1.0: an operation that nothing rides in counts as one with a look-up table.
    return rate if subs else max(rate, npu.activation_rates[0])


def _weights(npu: Npu, debug: Cells, work: Work, first: Operation) -> Weights | None:
    weight_bytes = int(debug["weight_total_bytes"] or 0)
    if not weight_bytes:
        return None
    height, width, _ = work.output.shape
    across = -(-height // min(work.ofm_block[0], height)) * -(-width // min(work.ofm_block[1], width))
    scale_bytes = sum(int(value or 0) for name, value in debug.items() if name.endswith("Scales_read")) // across
    staged = debug["weight_buffering"] not in ("", "None")
    constants, staging = npu.regions[0], npu.regions[2]
    return Weights(
        weight_bytes=weight_bytes,
        scale_bytes=scale_bytes,
        weight_memory=staging if staged else constants,
        scale_memory=constants,  # also where they are staged together with the weights
        scale_latency_memory=staging if staged else constants,
        fast=staged and "Fast" in debug["weight_format"],
        sparse=work.weights is not None and work.weights.sparse,
    )


def _staged(npu: Npu, debug: Cells, operations: Sequence[Operation]) -> list[Move]:
    if debug["weight_buffering"] in ("", "None"):
        return []
    first = _first_copy_bytes(debug, operations) if debug["weight_pre_buffer"] == "1" else 0
    later = max(0, int(debug["weight_total_bytes"]) - first)
    return [Move(npu.regions[0], Channel.COPY, later), Move(npu.regions[2], Channel.WRITE, later)]


def _first_copy_bytes(debug: Cells, operations: Sequence[Operation]) -> int:
    copies = [one.dma for one in operations if one.dma is not None and one.dma.destination.region is not None]
    # Parts of a convolution that was split share what was copied for the first of them.
    return copies[0].length_bytes if copies else int(debug["weight_max_range_bytes"])


def _copy(npu: Npu, source: Memory, destination: Memory, length_bytes: int) -> int:
    """`MemToMemCycles` of 5.1.0, which on U55 and U65 adds the write latency of the source."""
    read = int(length_bytes / channel_bytes_per_cycle(npu, source, Channel.COPY)) + source.read_latency
    late = (destination if npu.u85 else source).write_latency
    return max(read, int(length_bytes / channel_bytes_per_cycle(npu, destination, Channel.WRITE)) + late)


def _chain(computing: Sequence[Operation]) -> list[Operation]:
    chain = [computing[0]]
    for one in computing[1:]:
        last = chain[-1].ofm
        if last is None or last.storage != "CHAINED":
            break
        chain.append(one)
    return chain


def _tensor(npu: Npu, debug: Cells, name: str) -> Tensor:
    shape = _shape(debug, f"{name}_slice") if debug[f"{name}_slice_h"] != "0" else _shape(debug, f"{name}_shape")
    memories = {memory.name: memory for memory in npu.regions.values()}
    memory = memories.get(debug[f"{name}_memory"], npu.regions[1])
    # 5.1.0 takes the number of elements that are moved for the number of bytes.
    return Tensor(shape, _BITS[debug[f"{name}_dtype"]], debug[f"{name}_format"] == "NHCWB16", memory, counted_bits=8)


def _shape(cells: Cells, name: str) -> tuple[int, int, int]:
    height, width, depth = (int(cells[f"{name}_{axis}"] or 1) for axis in "hwc")
    return height, width, depth


def is_copy(operation: Operation) -> bool:
    """Whether it is one."""
    return operation.kind is Kind.DMA
