"""Vela's rows computed again from its model's inputs: the debug tables, and the peculiarities of version 5.1.0.

`benchmarks.predictions.vela_formulas` makes Vela's rows of Vela's inputs, cycle for cycle. Taking the peculiarities
out one by one says which of them a row is off by. Stream cycles have other formulas, which were compared with
measurements.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.predictions.vela_formulas.compute import compute_cycles
from benchmarks.predictions.vela_formulas.traffic import memory_cycles
from benchmarks.predictions.vela_formulas.transfer import channel_bytes_per_cycle
from workers.ethos_u.command_stream import Operation
from workers.ethos_u.cost.stream_cost.hardware.board import TABLES, Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.work.output_rate import cycles_per_element
from workers.ethos_u.cost.stream_cost.work.reading import work_of
from workers.ethos_u.cost.stream_cost.work.work import Channel, Move, Tensor, Unit, Weights, Work

Cells = Mapping[str, str]

#: Peculiarities of 5.1.0 that can be taken out of a row by itself, and what is done instead.
CORRECTIONS = {
    "activation": "an operation without activation is not priced as one with a look-up table (U55, U65)",
    "bytes": "bytes are moved, not as many bytes as there are elements",
    "broadcast": "a broadcast operand is read once, not for every element of the result (U55, U65)",
    "scalar": "an operand that stands in a register is not waited for as if it came from memory",
    "scales": "scales are read from where they were copied to together with the weights",
}

_BITS = {"Int8": 8, "UInt8": 8, "Int16": 16, "UInt16": 16, "Int32": 32, "Int48": 48, "Int64": 64, "Bool8": 8}


@dataclass(frozen=True)
class Row:
    """A row of Vela's tables.

    Attributes:
        perf, debug, main: its cells in `perf`, `perf_debug` and `perf_debug_main`.
        operations: what belongs to it in the stream, in order.
        riders: how many rows ride in it.
        slack_cycles: how long copies for it can hide behind the row before.
    """

    perf: Cells
    debug: Cells
    main: Cells
    operations: Sequence[Operation]
    riders: int
    slack_cycles: int


@dataclass(frozen=True)
class Recomputed:
    """A row by our formulas.

    It has the cycles of the NPU without and with copies, of each memory, and of the row.
    """

    compute_cycles: int
    npu_cycles: int
    memory_cycles: Mapping[str, int]
    cycles: int


def recompute(npu: Npu, row: Row, corrected: Collection[str] = ()) -> Recomputed | None:
    """The row as Vela's model prices it, some of `CORRECTIONS` applied.

    None where Vela has no operation that it prices: U55's and U65's transposes and matrix products, which are many.
    None also where it says too little (batches).
    """
    computing = [one for one in row.operations if one.computes]
    if not computing or (not npu.u85 and row.perf["operator"] in ("Transpose", "MatMul")):
        return None
    if any(row.debug[f"{name}_shape_n"] not in ("0", "1") for name in ("ifm", "ifm2", "ofm")):
        return None
    work = _fed(npu, row, computing, corrected)
    computed = 0 if work.unit is Unit.RESIZE else compute_cycles(npu, work)
    tables = sum(
        _copy_cycles(npu, npu.regions[0], TABLES, one.dma.length_bytes)
        for one in row.operations
        if one.dma is not None and one.dma.destination.region is None and row.perf["operator"] == "LUT"
    )
    if _staged(row):
        first = _copy_cycles(npu, npu.regions[0], npu.regions[2], _first_copy_bytes(row))
        whole = int(row.debug["weight_transfer_cycles"]) - row.slack_cycles + computed
        npu_cycles = max(whole, computed + max(0, first - row.slack_cycles)) + tables
    else:
        npu_cycles = computed + max(0, tables - row.slack_cycles)
    busy = {memory.name: cycles for memory, cycles in memory_cycles(npu, work).items()}
    return Recomputed(computed, npu_cycles, busy, max(npu_cycles, *busy.values(), 0))


def _fed(npu: Npu, row: Row, computing: Sequence[Operation], corrected: Collection[str]) -> Work:
    debug, main = row.debug, row.main
    chain = _chain(computing)
    work = work_of(npu, chain)
    names = ["ifm"] + (["ifm2"] if debug["ifm2_shape_n"] != "0" else [])
    inputs = tuple(_tensor(npu, debug, name, "bytes" in corrected) for name in names)
    if "scalar" in corrected and len(work.inputs) == 1:
        inputs = tuple(one for one in inputs if one.shape != (1, 1, 1))[:1] or inputs[:1]
    if work.unit.uses_macs:
        # Vela leaves out what the second input of a matrix product takes.
        inputs = (*inputs[:1], *(replace(one, counted_bits=0) for one in inputs[1:]))
    rate = sum(cycles_per_element(npu, one) for one in chain)
    if not npu.u85 and not row.riders and "activation" not in corrected:
        rate = max(rate, npu.activation_rates[0])
    # Shapes are of after U85's transposes and blocks of before them.
    output, ofm_block = _tensor(npu, debug, "ofm", "bytes" in corrected), _shape(main, "ofm_block")
    work = replace(
        work,
        kernel=(int(debug["kernel_size_y"]), int(debug["kernel_size_x"])),
        inputs=inputs,
        channels=(*work.channels, *(Channel.STREAM,) * 2)[: len(inputs)],
        ifm_shape=inputs[0].shape,
        ifm_bits=inputs[0].bits,
        output=output,
        written=output,
        written_block=ofm_block,
        ifm_block=_shape(main, "ifm_block"),
        ofm_block=ofm_block,
        part_kernel=main["traversal"] == "PartKernel",
        cycles_per_element=rate,
        rereads_broadcasts=not npu.u85 and "broadcast" not in corrected,
    )
    weights = _weights(npu, row, work, staged_scales="scales" in corrected)
    return replace(work, weights=weights, moves=(*work.moves, *_staging(npu, row)))


def _weights(npu: Npu, row: Row, work: Work, staged_scales: bool) -> Weights | None:
    weight_bytes = int(row.debug["weight_total_bytes"] or 0)
    if not weight_bytes:
        return None
    height, width, _ = work.output.shape
    across = -(-height // min(work.ofm_block[0], height)) * -(-width // min(work.ofm_block[1], width))
    scale_bytes = sum(int(cell or 0) for name, cell in row.debug.items() if name.endswith("Scales_read")) // across
    source = npu.regions[2] if _staged(row) else npu.regions[0]
    return Weights(
        weight_bytes=weight_bytes,
        scale_bytes=scale_bytes,
        weight_memory=source,
        scale_memory=source if staged_scales else npu.regions[0],
        scale_latency_memory=source,
        fast=_staged(row) and "Fast" in row.debug["weight_format"],
        sparse=work.weights is not None and work.weights.sparse,
    )


def _staging(npu: Npu, row: Row) -> list[Move]:
    if not _staged(row):
        return []
    first = _first_copy_bytes(row) if row.debug["weight_pre_buffer"] == "1" else 0
    later = max(0, int(row.debug["weight_total_bytes"]) - first)
    return [Move(npu.regions[0], Channel.COPY, later), Move(npu.regions[2], Channel.WRITE, later)]


def _staged(row: Row) -> bool:
    return row.debug["weight_buffering"] not in ("", "None")


def _first_copy_bytes(row: Row) -> int:
    copies = [one.dma for one in row.operations if one.dma is not None and one.dma.destination.region is not None]
    # Parts of a convolution that was split share what was copied for the first of them.
    return copies[0].length_bytes if copies else int(row.debug["weight_max_range_bytes"])


def _copy_cycles(npu: Npu, source: Memory, destination: Memory, length_bytes: int) -> int:
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


def _tensor(npu: Npu, debug: Cells, name: str, count_bytes: bool) -> Tensor:
    shape = _shape(debug, f"{name}_slice" if debug[f"{name}_slice_h"] != "0" else f"{name}_shape")
    memories = {memory.name: memory for memory in npu.regions.values()}
    memory = memories.get(debug[f"{name}_memory"], npu.regions[1])
    bits = _BITS[debug[f"{name}_dtype"]]
    bricks = debug[f"{name}_format"] == "NHCWB16"
    return Tensor(shape, bits, bricks, memory, counted_bits=bits if count_bytes else 8)


def _shape(cells: Cells, name: str) -> tuple[int, int, int]:
    height, width, depth = (int(cells[f"{name}_{axis}"] or 1) for axis in "hwc")
    return height, width, depth
