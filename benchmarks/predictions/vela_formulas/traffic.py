"""Cycles that an operation keeps each memory busy for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from benchmarks.predictions.vela_formulas.transfer import channel_bytes_per_cycle, transferred_bytes
from workers.ethos_u.cost.stream_cost.hardware.board import Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.work.work import Channel, Move, Tensor, Unit, Work

_SUBKERNEL = 8


def memory_cycles(npu: Npu, work: Work) -> Mapping[Memory, int]:
    """Memory -> cycles, of all that the operation reads and writes.

    `MeasureAccessCycles` in ethos_u55_performance.cpp and ethos_u85_performance.cpp. All traffic shares a memory's
    bandwidth. On U85 none of its channels can be faster than that.
    """
    total: dict[Memory, int] = defaultdict(int)
    by_channel: dict[tuple[Memory, Channel], float] = defaultdict(float)
    for move in (*_moves(npu, work), *work.moves):
        total[move.memory] += move.moved_bytes
        by_channel[move.memory, move.channel] += int(
            move.moved_bytes / channel_bytes_per_cycle(npu, move.memory, move.channel)
        )
    cycles = {memory: int(moved / memory.bytes_per_cycle) for memory, moved in total.items()}
    if npu.u85:
        for (memory, _), needed in by_channel.items():
            cycles[memory] = max(cycles[memory], int(needed))
    return cycles


def _moves(npu: Npu, work: Work) -> list[Move]:
    moves = []
    for tensor, channel in zip(work.inputs, work.channels, strict=True):
        elements = _elements_read(npu, work, tensor)
        moved = transferred_bytes(npu, tensor, elements, work.ifm_block, read=True)
        moves.append(Move(tensor.memory, channel, moved))
    if work.writes:
        written = work.written
        moved = transferred_bytes(npu, written, written.stored_elements, work.written_block, read=False)
        moves.append(Move(written.memory, Channel.WRITE, moved))
    weights = work.weights
    if weights is not None:
        refetched = _blocks_across(work)
        channel = Channel.FAST_WEIGHT if weights.fast else Channel.WEIGHT
        moves.append(Move(weights.weight_memory, channel, refetched * weights.weight_bytes))
        moves.append(Move(weights.scale_memory, Channel.SCALE, refetched * weights.scale_bytes))
    return moves


def _elements_read(npu: Npu, work: Work, tensor: Tensor) -> int:
    """`MeasureElementAccess` in both files: an IFM block for every OFM block and part of the kernel."""
    if work.unit.uses_macs:
        if tensor is not work.inputs[0]:
            # Vela leaves the second input out. The other factor of a matrix product is weights and read as those are.
            return tensor.stored_elements * (_blocks_across(work) if work.unit is Unit.CONV else 1)
        height, width = (min(part, size) for part, size in zip(work.ifm_block[:2], work.ifm_shape[:2], strict=True))
        subkernels = -(-work.kernel[0] // _SUBKERNEL) * -(-work.kernel[1] // _SUBKERNEL)
        blocks = _blocks_across(work)
        if work.unit.whole_depth:
            depth = work.output.shape[2]
            blocks *= -(-depth // min(work.ofm_block[2], depth))
        return height * width * tensor.stored_depth * subkernels * blocks
    if tensor.shape == (1, 1, 1) and not npu.u85:
        return 0 if tensor.bits == 8 else 1
    if work.rereads_broadcasts:
        height, width, depth = work.output.shape
        return height * width * (-(-depth // 16) * 16 if work.inputs[0].bricks else depth)
    return tensor.stored_elements


def _blocks_across(work: Work) -> int:
    """OFM blocks over height and width; weights are read once for each."""
    height, width, _ = work.output.shape
    return -(-height // min(work.ofm_block[0], height)) * -(-width // min(work.ofm_block[1], width))
