"""How long bytes take to and from memory."""

from __future__ import annotations

from functools import cache

from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.cost.stream_cost.hardware.board import Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.work.work import Channel, Tensor


def transferred_bytes(npu: Npu, tensor: Tensor, elements: int, block: Shape, read: bool) -> int:
    """Bytes of bandwidth that `elements` of `tensor` take, short bursts counted as whole ones.

    `EstimateMemoryTransfer` in ethos_u55_performance.cpp and ethos_u85_performance.cpp; bursts are as long as a block
    is contiguous in memory.
    """
    bits = tensor.bits
    _, width, depth = tensor.shape
    _, block_width, block_depth = block
    if tensor.bricks:
        if width * bits * 16 // 8 == block_depth:
            burst_bits = bits * block_width * block_depth
        else:
            burst_bits = 16 * bits * block_width * (1 if read else npu.cores)
    elif depth * bits // 8 == block_depth and (read or block_depth <= 16):
        burst_bits = bits * block_width * block_depth
    elif read:
        burst_bits = bits * block_depth
    else:
        burst_bits = min(64 * 8, 16 * bits * npu.cores, block_depth * bits)
    burst_bytes = min(tensor.memory.burst_bytes, max(1, burst_bits // 8))
    return elements * tensor.counted_bits // 8 * tensor.memory.burst_bytes // burst_bytes


def block_cycles(npu: Npu, tensor: Tensor, block: Shape, read: bool) -> int:
    """Cycles until one block of a tensor is read or written (`MinimumIfmCycles`, `MinimumOfmCycles`)."""
    (height, width, depth), (block_height, block_width, block_depth) = tensor.shape, block
    elements = min(height, block_height) * min(width, block_width) * min(depth, block_depth)
    memory = tensor.memory
    # Vela counts a block's bytes rightly where it counts a tensor's elements.
    moved = transferred_bytes(npu, _in_bytes(tensor), elements, block, read)
    return (memory.read_latency if read else memory.write_latency) + int(moved / memory.bytes_per_cycle)


@cache
def channel_bytes_per_cycle(npu: Npu, memory: Memory, channel: Channel) -> float:
    """Bandwidth of one of U85's channels (`EthosU85Performance::ChannelBW`); elsewhere, all of the memory's."""
    if not npu.u85:
        return memory.bytes_per_cycle
    outstanding, latency, buffered = memory.max_reads, memory.read_latency, float("inf")
    if channel is Channel.WRITE:
        outstanding, latency = memory.max_writes, memory.write_latency
    else:
        buffered = npu.read_buffers[list(Channel).index(channel)] / max(memory.burst_bytes // 16, 1)
    transactions = min(buffered, outstanding * memory.ports * 0.8)
    if not latency:
        return memory.bytes_per_cycle
    return min(memory.bytes_per_cycle, memory.burst_bytes * transactions / latency * 0.8)


def copy_cycles(npu: Npu, source: Memory, destination: Memory, length_bytes: int) -> int:
    """A copy by DMA (`MemToMemCycles`; 5.1.0 takes the write latency of the wrong memory on U55 and U65, which Arm
    corrected after it: MLBEDSW-11755)."""
    read = int(length_bytes / channel_bytes_per_cycle(npu, source, Channel.COPY)) + source.read_latency
    write = int(length_bytes / channel_bytes_per_cycle(npu, destination, Channel.WRITE)) + destination.write_latency
    return max(read, write)


def _in_bytes(tensor: Tensor) -> Tensor:
    if tensor.counted_bits == tensor.bits:
        return tensor
    return Tensor(tensor.shape, tensor.bits, tensor.bricks, tensor.memory, tensor.bits)
