"""How long bytes take to and from memory."""

from __future__ import annotations

from functools import cache

from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.cost.stream_cost.hardware.board import Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.work.work import Channel, Tensor

_LEAST_LONGEST = 32  # some boards' configurations name a single beat, which is for Vela's estimate
_BEAT = 16  # bytes of U85's ports, and of a brick's innermost row


def burst_bytes(tensor: Tensor, block: Shape, read: bool) -> int:
    """Bytes of one transaction.

    It is as long as a block is contiguous in memory, up to the memory's longest burst.

    `EstimateMemoryTransfer` in ethos_u85_performance.cpp, with two differences. Rows which fill their tensor's width
    follow each other in memory. NHWC which is not whole is written 16 bytes at a time. (Measured: single operators with
    feature maps in DRAM.)

    Args:
        tensor: what is moved.
        block: (height, width, depth) that is moved at a time.
        read: whether it is read, or written.

    Returns:
        Bytes, at least 1.
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
def bytes_per_cycle(
    npu: Npu, memory: Memory, channel: Channel, burst: int, split: float = 1.0, crossings: float = 1.0
) -> float:
    """What one channel moves: the memory's bandwidth, or the bytes under way during the latency of an answer.

    U85: `ChannelBW` in ethos_u85_performance.cpp with one share, `Fitted.in_flight`, where Vela has 0.8 twice. All
    single beats of feature maps that are read are under way. This was measured on convolutions 3x3 in DRAM, whose IFM
    is read 16 channels at a time. U55 and U65: the same for feature maps that are read, of which Vela has nothing.

    Args:
        npu: the NPU.
        memory: that is read or written.
        channel: of the NPU.
        burst: bytes of one transaction.
        split: bytes of beats that are moved for each byte of a transaction's own beats.
        crossings: transactions for each burst. A burst is cut in two where it crosses a boundary of the longest burst.

    Returns:
        Bytes per cycle of the NPU's clock.
    """
    latency = memory.write_latency if channel is Channel.WRITE else memory.read_latency
    bandwidth = memory.bytes_per_cycle * beats_used(npu, burst) / split
    if not latency:
        return bandwidth
    share = npu.fitted.in_flight
    if not npu.u85:
        read = channel in (Channel.IFM, Channel.STREAM)
        return min(bandwidth, share * npu.fitted.reads * burst / split / latency) if read else bandwidth
    if channel is Channel.WRITE:
        return min(bandwidth, share * memory.max_writes * memory.ports * burst / split / latency)
    buffered = share * buffer_bytes(npu, channel) / split / latency
    if burst > _BEAT:
        transactions = share * memory.max_reads * memory.ports * burst / crossings / latency
    elif channel in (Channel.IFM, Channel.STREAM):
        transactions = memory.max_reads * memory.ports * burst / crossings / latency
    else:
        transactions = buffered  # a board's burst of one beat is for Vela's estimate
    return min(bandwidth, buffered, transactions)


def buffer_bytes(npu: Npu, channel: Channel) -> int:
    """U85: bytes that a read channel may have asked for and not used yet; 0 elsewhere.

    Args:
        npu: the NPU.
        channel: that reads.

    Returns:
        Bytes.
    """
    return npu.read_buffers[list(Channel).index(channel)] * _BEAT if npu.u85 else 0


def beat_bytes(npu: Npu) -> int:
    """The width of the NPU's ports."""
    return 8 if npu.family == "ethos-u55" else _BEAT


def beats_used(npu: Npu, burst: int) -> float:
    """The used part of the bytes of a transaction's beats.

    A beat is moved whole, whatever is wanted of it.

    Args:
        npu: the NPU.
        burst: bytes of one transaction.

    Returns:
        A part, above 0 and at most 1.
    """
    beat = beat_bytes(npu)
    return burst / (-(-burst // beat) * beat)


def copy_cycles(npu: Npu, source: Memory, destination: Memory, length_bytes: int) -> int:
    """A copy by DMA (`MemToMemCycles`; 5.1.0 takes the write latency of the wrong memory on U55 and U65, which Arm
    corrected after it: MLBEDSW-11755).

    Args:
        npu: the NPU.
        source: memory that is read.
        destination: memory that is written.
        length_bytes: of the copy.

    Returns:
        Cycles of the NPU's clock.
    """
    read = bytes_per_cycle(npu, source, Channel.COPY, source.burst_bytes)
    write = bytes_per_cycle(npu, destination, Channel.WRITE, destination.burst_bytes)
    return max(int(length_bytes / read) + source.read_latency, int(length_bytes / write) + destination.write_latency)
