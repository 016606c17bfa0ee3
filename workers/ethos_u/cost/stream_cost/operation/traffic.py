"""What an operation moves to and from each memory, and how long that takes.

Which bytes are moved was compared with counters of the measured runs. On U65 and U85, SRAM traffic is the same to the
beat (docs/objective.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import gcd

from workers.ethos_u.cost.stream_cost.hardware.board import Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.operation.pipeline import Stage
from workers.ethos_u.cost.stream_cost.operation.transfer import (
    beat_bytes,
    beats_used,
    buffer_bytes,
    burst_bytes,
    bytes_per_cycle,
)
from workers.ethos_u.cost.stream_cost.work.blocks import along, up
from workers.ethos_u.cost.stream_cost.work.work import Channel, Tensor, Unit, Weights, Work


@dataclass(frozen=True)
class Transfer:
    """Bytes that go one way.

    Attributes:
        memory, channel: where and by what.
        moved_bytes: all of them.
        burst: bytes of a transaction.
        waits: how often the first answer is waited for.
        split: what is moved in all for each byte. Transactions that begin anywhere touch more beats, or are split.
        crossings: transactions for each burst, because of those that are cut in two.
    """

    memory: Memory
    channel: Channel
    moved_bytes: float
    burst: int
    waits: int = 0
    split: float = 1.0
    crossings: float = 1.0

    def cycles(self, npu: Npu) -> float:
        """With the channel to itself."""
        rate = bytes_per_cycle(npu, self.memory, self.channel, self.burst, self.split, self.crossings)
        return self.waits * self.memory.read_latency + self.moved_bytes / rate


def transfers(npu: Npu, work: Work) -> list[Transfer]:
    """All that an operation moves.

    Args:
        npu: the NPU.
        work: what an operation keeps busy.

    Returns:
        One for each tensor, its weights and its scales.
    """
    across = up(work.output.shape[0], work.ofm_block[0]) * up(work.output.shape[1], work.ofm_block[1])
    found = [_read(npu, work, tensor, channel) for tensor, channel in zip(work.inputs, work.channels, strict=True)]
    if work.writes:
        burst = burst_bytes(work.written, work.written_block, read=False)
        split = _split(npu, work.written, burst)
        found.append(Transfer(work.written.memory, Channel.WRITE, _stored_bytes(work.written), burst, split=split))
    weights = work.weights
    if weights is not None:
        memory, scales = weights.weight_memory, weights.scale_memory
        channel = _weight_channel(weights)
        # Weights are read again for every block across.
        found.append(Transfer(memory, channel, across * weights.weight_bytes, memory.burst_bytes, waits=1))
        found.append(Transfer(scales, Channel.SCALE, across * weights.scale_bytes, scales.burst_bytes))
    found += [Transfer(move.memory, move.channel, move.moved_bytes, move.memory.burst_bytes) for move in work.moves]
    return found


def busy_cycles(npu: Npu, found: Iterable[Transfer]) -> Mapping[Memory, int]:
    """How long memories are busy.

    Args:
        npu: the NPU.
        found: what an operation moves.

    Returns:
        Memory -> cycles of its whole bandwidth that are taken.
    """
    moved: dict[Memory, float] = defaultdict(float)
    for one in found:
        moved[one.memory] += one.split * one.moved_bytes / beats_used(npu, one.burst)
    return {memory: int(size / memory.bytes_per_cycle) for memory, size in moved.items()}


def read_stage(npu: Npu, work: Work, found: Iterable[Transfer]) -> Stage:
    """Feature maps that are read, a block at a time.

    What uses no MACs takes them as they come.

    Args:
        npu: the NPU.
        work: what an operation keeps busy.
        found: what it moves.

    Returns:
        Cycles of the first block, the last one and all.
    """
    total = _slowest(npu, found, Channel.IFM, Channel.STREAM)
    first: float = max((tensor.memory.read_latency for tensor in work.inputs), default=0)
    if work.unit.uses_macs:
        pairs = zip(work.inputs, work.channels, strict=True)
        first = max((_first_read(npu, work, tensor, channel) for tensor, channel in pairs), default=0)
    return Stage(max(total, first), first, first)


def weight_stage(npu: Npu, work: Work, found: Iterable[Transfer]) -> Stage:
    """Weights that are read: all, and those of the first block.

    Args:
        npu: the NPU.
        work: what an operation keeps busy.
        found: what it moves.

    Returns:
        Cycles of the first block and all.
    """
    weights = work.weights
    if weights is None:
        return Stage(0.0, 0.0, 0.0)
    total = _slowest(npu, found, Channel.WEIGHT, Channel.FAST_WEIGHT)
    depth = work.output.shape[2]
    memory, channel = weights.weight_memory, _weight_channel(weights)
    rate = bytes_per_cycle(npu, memory, channel, memory.burst_bytes)
    first = memory.read_latency + weights.weight_bytes * min(work.ofm_block[2], depth) / depth / rate
    return Stage(max(total, first), first, first)


def late_weight_cycles(npu: Npu, work: Work, found: Iterable[Transfer]) -> float:
    """Cycles in which the weights come in that U85 has no buffer for before the MACs use them.

    Measured: convolutions 3x3 with IFM and weights in DRAM, which wait for both.

    Args:
        npu: the NPU.
        work: what an operation keeps busy.
        found: what it moves.

    Returns:
        Cycles; 0 on U55 and U65.
    """
    if work.weights is None or not npu.u85:
        return 0.0
    memory, channel = work.weights.weight_memory, _weight_channel(work.weights)
    late = sum(one.moved_bytes for one in found if one.channel is channel) - buffer_bytes(npu, channel)
    return max(0.0, late) / bytes_per_cycle(npu, memory, channel, memory.burst_bytes)


def write_stage(npu: Npu, work: Work, found: Iterable[Transfer]) -> Stage:
    """Feature maps that are written, and the last block of them.

    Args:
        npu: the NPU.
        work: what an operation keeps busy.
        found: what it moves.

    Returns:
        Cycles of the last block and all.
    """
    if not work.writes:
        return Stage(0.0, 0.0, 0.0)
    tensor, block = work.written, work.written_block
    height, width, depth = (along(size, part)[-1][0] for size, part in zip(tensor.shape, block, strict=True))
    rate = bytes_per_cycle(npu, tensor.memory, Channel.WRITE, burst_bytes(tensor, block, read=False))
    last = tensor.memory.write_latency + height * width * depth * tensor.bits // 8 / rate
    return Stage(max(_slowest(npu, found, Channel.WRITE), last), last, last)


def _read(npu: Npu, work: Work, tensor: Tensor, channel: Channel) -> Transfer:
    """An input: what all blocks of it need, once or for every slice of output channels."""
    across = up(work.output.shape[0], work.ofm_block[0]) * up(work.output.shape[1], work.ofm_block[1])
    slices = up(work.output.shape[2], work.ofm_block[2])
    burst = burst_bytes(tensor, work.ifm_block, read=True)
    if not work.unit.uses_macs or tensor is not work.inputs[0]:
        moved, waits = float(_stored_bytes(tensor)), across * slices
        if work.unit is Unit.CONV:
            moved *= across  # the other factor of a matrix product, read as weights are
        elif tensor.shape == (1, 1, 1) and not npu.u85:
            moved, waits = 0.0, 0  # a constant in a register
        return Transfer(tensor.memory, channel, moved, burst, waits)
    moved = float(work.rows_read * work.columns_read * tensor.stored_depth * tensor.bits // 8)
    again = slices if work.unit.whole_depth and not _kept(npu, work, tensor) else 1
    waits = across * (again if work.unit.whole_depth else slices)
    split, crossings = _split(npu, tensor, burst), _crossings(tensor, burst)
    return Transfer(tensor.memory, channel, moved * again, burst, waits, split, crossings)


def _kept(npu: Npu, work: Work, tensor: Tensor) -> bool:
    """Whether the IFM of a block stays inside the NPU for the next slice of output channels.

    Measured by counters: U85 keeps what fits its IFM memory, with all input channels; U55 and U65 keep one block.
    """
    height, width, depth = tensor.shape
    if not npu.u85:
        return depth <= work.ifm_block[2]
    needed = min(height, work.ifm_block[0]) * min(width, work.ifm_block[1]) * depth * tensor.bits // 8
    return needed <= npu.ifm_ram_bytes


def _weight_channel(weights: Weights) -> Channel:
    return Channel.FAST_WEIGHT if weights.fast else Channel.WEIGHT


def _split(npu: Npu, tensor: Tensor, burst: int) -> float:
    if tensor.bricks or burst >= tensor.memory.burst_bytes:
        return 1.0
    beat = beat_bytes(npu)
    touched = (burst + beat - gcd(tensor.step_bytes, beat)) / beat
    return max(_crossings(tensor, burst), touched / up(burst, beat))


def _crossings(tensor: Tensor, burst: int) -> float:
    """Transactions begin where columns and rows do, and none goes beyond a boundary of the longest burst."""
    longest = tensor.memory.burst_bytes
    if tensor.bricks or burst >= longest:
        return 1.0
    return 1.0 + (burst - gcd(tensor.step_bytes, burst, longest)) / longest


def _first_read(npu: Npu, work: Work, tensor: Tensor, channel: Channel) -> float:
    height, width, depth = tensor.shape
    # What U85 keeps has all input channels.
    deep = depth if npu.u85 and work.unit.whole_depth else min(depth, work.ifm_block[2])
    moved = min(height, work.ifm_block[0]) * min(width, work.ifm_block[1]) * deep * tensor.bits // 8
    return tensor.memory.read_latency + moved / bytes_per_cycle(
        npu, tensor.memory, channel, burst_bytes(tensor, work.ifm_block, read=True)
    )


def _slowest(npu: Npu, found: Iterable[Transfer], *channels: Channel) -> float:
    taken: dict[tuple[Memory, Channel], float] = defaultdict(float)
    for one in found:
        if one.channel in channels:
            taken[one.memory, one.channel] += one.cycles(npu)
    return max(taken.values(), default=0.0)


def _stored_bytes(tensor: Tensor) -> int:
    return tensor.stored_elements * tensor.bits // 8
