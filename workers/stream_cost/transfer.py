"""How long bytes take to and from memory."""

from __future__ import annotations

from functools import cache

from workers.command_stream.features import Shape
from workers.stream_cost.board import Memory
from workers.stream_cost.npu import Npu
from workers.stream_cost.work import Channel, Tensor

_LEAST_LONGEST = 32  # some boards' configurations name a single beat, which is for Vela's estimate
_BEAT = 16  # bytes of U85's ports, and of a brick's innermost row


def burst_bytes(tensor: Tensor, block: Shape, read: bool) -> int:
    """Bytes of one transaction: as long as a block is contiguous in memory, up to the memory's longest burst.

    `EstimateMemoryTransfer` in ethos_u85_performance.cpp, but that rows which fill their tensor's width follow each
    other in memory, and that NHWC which is not whole is written 16 bytes at a time (measured: single operators with
    feature maps in DRAM).
    """
    size = tensor.bits // 8
    height, width, depth = tensor.shape
    high, wide, deep = min(height, block[0]), min(width, block[1]), min(depth, block[2])
    rows = high if wide == width and tensor.rows_follow else 1
    if tensor.bricks:
        length = 16 * size * wide * rows
    elif deep == depth and tensor.columns_follow and (read or deep <= 16):
        length = size * wide * depth * rows
    elif read:
        length = size * deep
    else:
        length = min(_BEAT, size * deep)
    return max(1, min(max(tensor.memory.burst_bytes, _LEAST_LONGEST), length))


@cache
def bytes_per_cycle(npu: Npu, memory: Memory, channel: Channel, burst: int) -> float:
    """Of one channel: the memory's bandwidth, or as much as is under way in the time that an answer takes.

    U85: `ChannelBW` in ethos_u85_performance.cpp with one share, `Fitted.in_flight`, where Vela has 0.8 twice. U55 and
    U65: the same for feature maps that are read, of which Vela has nothing.
    """
    latency = memory.write_latency if channel is Channel.WRITE else memory.read_latency
    under_way = _under_way(npu, memory, channel, burst)
    bandwidth = memory.bytes_per_cycle * beats_used(npu, burst)
    if not latency or not under_way:
        return bandwidth
    return min(bandwidth, npu.fitted.in_flight * under_way / latency)


def beat_bytes(npu: Npu) -> int:
    """The width of the NPU's ports."""
    return 8 if npu.family == "ethos-u55" else _BEAT


def beats_used(npu: Npu, burst: int) -> float:
    """Part of the bytes of a transaction's beats that it moves: a beat is moved whole, whatever is wanted of it."""
    beat = beat_bytes(npu)
    return burst / (-(-burst // beat) * beat)


def _under_way(npu: Npu, memory: Memory, channel: Channel, burst: int) -> float:
    """Bytes that may be under way; 0 if nothing limits them."""
    if not npu.u85:
        return npu.fitted.reads * burst if channel in (Channel.IFM, Channel.STREAM) else 0
    if channel is Channel.WRITE:
        return memory.max_writes * memory.ports * burst
    buffered = npu.read_buffers[list(Channel).index(channel)] * _BEAT
    # Single beats are merged before they count as transactions (measured: reads of NHWC, 16 channels at a time).
    return buffered if burst <= _BEAT else min(buffered, memory.max_reads * memory.ports * burst)


def copy_cycles(npu: Npu, source: Memory, destination: Memory, length_bytes: int) -> int:
    """A copy by DMA (`MemToMemCycles`; 5.1.0 takes the write latency of the wrong memory on U55 and U65, which Arm
    corrected after it: MLBEDSW-11755)."""
    read = bytes_per_cycle(npu, source, Channel.COPY, source.burst_bytes)
    write = bytes_per_cycle(npu, destination, Channel.WRITE, destination.burst_bytes)
    return max(int(length_bytes / read) + source.read_latency, int(length_bytes / write) + destination.write_latency)
