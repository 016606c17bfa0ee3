"""Cycles that the NPU computes for, memory aside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.operation.pipeline import Stage, staged
from workers.ethos_u.cost.stream_cost.work.blocks import Blocks, up
from workers.ethos_u.cost.stream_cost.work.work import Unit, Work

_SUBKERNEL = 8
_IDLE = Stage(0.0, 0.0, 0.0)


def mac_stage(npu: Npu, work: Work, parts: Sequence[Blocks]) -> Stage:
    """The MACs on all blocks; idle for what does not use them.

    Args:
        npu: the NPU.
        work: what an operation keeps busy.
        parts: its blocks by size.

    Returns:
        Cycles of the first block, the last one and all.
    """
    if not work.unit.uses_macs:
        return _IDLE
    between = 0.0 if npu.u85 else npu.fitted.block_cycles
    return _at_once(npu, work, staged((some.count, mac_cycles(npu, work, some.shape) + between) for some in parts))


def output_stage(npu: Npu, work: Work, parts: Sequence[Blocks]) -> Stage:
    """The output unit on all blocks.

    Args:
        npu: the NPU.
        work: what an operation keeps busy.
        parts: its blocks by size.

    Returns:
        Cycles of the first block, the last one and all.
    """
    between = 0.0 if npu.u85 else npu.fitted.block_cycles
    return _at_once(npu, work, staged((some.count, output_cycles(npu, work, some) + between) for some in parts))


def mac_cycles(npu: Npu, work: Work, block: Shape) -> float:
    """Cycles in which the MACs compute one block.

    Source: `EstimateMacCyclesPerBlock` in Vela's ethos_u55_performance.cpp and ethos_u85_performance.cpp, changed where
    measurements differ.

    Args:
        npu: the NPU.
        work: what an operation keeps busy.
        block: (height, width, depth).

    Returns:
        Cycles.
    """
    high, wide, deep = _microblock(npu, work)
    area, slices = up(block[0], high) * up(block[1], wide), up(block[2], deep)
    law = _u85 if npu.u85 else _u55
    cycles = sum(times * law(npu, work, area, taps, deep) for taps, times in _subkernels(work.kernel))
    return slices * cycles / (1 if npu.u85 else npu.cores)


def output_cycles(npu: Npu, work: Work, some: Blocks) -> float:
    """Cycles in which the output unit scales and writes one block.

    U55 and U65 work on whole microblocks (measured: TinyCNN, whose pools have one channel), U85 on elements (measured:
    outputs of 4 and 8 channels). A channel has 10 bytes of scale and bias. Of them, 256 are under way at a time
    (`EstimateMacOpCycles` in ethos_u85_performance.cpp has the same without the share).

    Args:
        npu: the NPU.
        work: what an operation keeps busy.
        some: blocks of one size.

    Returns:
        Cycles of one of them.
    """
    height, width, depth = some.shape
    elements = some.elements
    if not npu.u85:
        high, wide, deep = work.microblock
        elements = up(height, high) * high * up(width, wide) * wide * up(depth, deep) * deep
    cycles = work.cycles_per_element * elements
    if work.weights is not None and work.weights.scale_bytes:
        latency = work.weights.scale_latency_memory.read_latency
        cycles = max(cycles, 10.0 * depth * latency / (256 * npu.fitted.in_flight))
    return cycles


def _u55(npu: Npu, work: Work, area: int, taps: int, deep: int) -> float:
    """`EstimateMacCyclesPerBlock` in ethos_u55_performance.cpp, but for pools: measured are 8 bits a cycle, not 2."""
    element_bytes = work.ifm_bits // 8
    weight_block = 32 * deep // 8
    if work.unit is Unit.POOL:
        return max(4, taps) * area * element_bytes
    if work.unit is Unit.DEPTHWISE:
        return max(weight_block, 4 * area * element_bytes) * up(taps, 4)
    depth, part = work.ifm_shape[2], min(work.ifm_block[2], work.ifm_shape[2])
    steps = taps
    if work.part_kernel and work.unit is Unit.CONV:
        steps = up(taps, 2 if work.ifm_bits == 16 else 4) * up(part, 8)
    return max(weight_block, 4 * area) * steps * up(depth, work.ifm_block[2])


def _u85(npu: Npu, work: Work, area: int, taps: int, deep: int) -> float:
    """Measured: a microblock takes a cycle for each tap and 8 input channels, none of which is rounded up further. A
    sweep over the microblocks of a block takes `Fitted.sweep_cycles` more. Weights of a 2:4 sparse format save nothing.

    As in `EstimateMacCyclesPerBlock` of ethos_u85_performance.cpp, a sweep is not faster than its weights are decoded.
    """
    element_bytes = work.ifm_bits // 8
    if work.unit is Unit.POOL:
        return max(4, taps) * area * element_bytes
    if work.unit is Unit.DEPTHWISE:
        return taps * area * element_bytes
    sweep = area + npu.fitted.sweep_cycles
    decoded = 32 * deep // (8 * npu.cores) if work.weights is not None else 0
    if work.part_kernel:
        return max(sweep, decoded / 4) * taps * up(work.ifm_shape[2], 8) * element_bytes
    whole, rest = divmod(work.ifm_shape[2], work.ifm_block[2])
    cycles = whole * max(decoded, up(work.ifm_block[2], 8) * sweep)
    if rest:
        cycles += max(decoded, up(rest, 8) * sweep)
    return cycles * taps * element_bytes


def _at_once(npu: Npu, work: Work, stage: Stage) -> Stage:
    """What needs no sum over input channels leaves U85's MACs and output unit as it is computed, not block by block."""
    return Stage(stage.total, 0.0, 0.0) if npu.u85 and not work.unit.whole_depth else stage


@cache
def _subkernels(kernel: tuple[int, int]) -> list[tuple[int, int]]:
    """Taps of the parts of at most 8x8 that a kernel is worked off in (`s_SubkernelLimits`), and how many have them."""
    along = []
    for size in kernel:
        whole, rest = divmod(size, _SUBKERNEL)
        along.append([(_SUBKERNEL, whole), (rest, 1 if rest else 0)])
    return [(high * wide, m * n) for high, m in along[0] for wide, n in along[1] if m * n]


def _microblock(npu: Npu, work: Work) -> Shape:
    """`GetOfmMicroBlock` in ethos_u55_performance.cpp: a single row of even width goes four columns at a time."""
    height, width, _ = work.output.shape
    flat = work.unit is Unit.CONV and height == 1 and width % 2 == 0 and work.kernel[0] == 1
    if not npu.u85 and work.microblock[0] == 2 and flat:
        return 1, 4, work.microblock[2]
    return work.microblock
