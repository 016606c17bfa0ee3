"""Cycles that the NPU computes for, memory bandwidth aside."""

from __future__ import annotations

from math import ceil, prod

from benchmarks.predictions.vela_formulas.transfer import block_cycles
from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.work.work import Unit, Work

_SUBKERNEL = 8


def compute_cycles(npu: Npu, work: Work) -> int:
    """Cycles of the operation if memory were infinitely fast, but for filling and draining the pipeline."""
    return _mac_operation(npu, work) if work.unit.uses_macs else _output_operation(npu, work)


def _mac_operation(npu: Npu, work: Work) -> int:
    """`EstimateMacOpCycles` in ethos_u55_performance.cpp and ethos_u85_performance.cpp, of an operation by itself."""
    ofm_block = _at_most(work.ofm_block, work.output.shape)
    microblock = _microblock(npu, work)
    blocks = prod(_blocks(work.output.shape, microblock)) / prod(_blocks(ofm_block, microblock))
    output = float(ceil(work.cycles_per_element * prod(ofm_block)))
    if work.weights is not None and work.weights.scale_bytes:
        output = max(output, 10.0 * ofm_block[2] * work.weights.scale_latency_memory.read_latency / 256)
    mac = float(_mac_cycles_per_block(npu, work, ofm_block, microblock))
    first, last = _first_block(npu, work), _last_block(npu, work)
    # Commands for a block are issued to one of four units at a time.
    issue = ((abs(last - first) if blocks > 1 else 0) + mac + output) / 4
    mac, output = max(mac, issue), max(output, issue)
    total = int(int(mac * blocks) + output) if mac > output else int(output * blocks + mac)
    return total + last + first


def _output_operation(npu: Npu, work: Work) -> int:
    """`EstimateElementwiseCycles` in both files.

    It serves for U85's resize too, for which Vela has no compute cycles at all. Whatever else a resize does, its
    results pass the output unit.
    """
    elements = work.output.stored_elements
    output = ceil(work.cycles_per_element * elements)
    waiting = max(_last_block(npu, work), _first_block(npu, work)) / prod(work.ofm_block)
    return int(max(ceil((waiting + work.cycles_per_element) / 4 * elements), output))


def _mac_cycles_per_block(npu: Npu, work: Work, ofm_block: Shape, microblock: Shape) -> int:
    """`EstimateMacCyclesPerBlock` in both files."""
    ifm_block = _at_most(work.ifm_block, work.ifm_shape)
    across = _blocks(ofm_block, microblock)
    area, deep = across[0] * across[1], across[2]
    weight_block = 32 * microblock[2] // (8 * npu.cores if npu.u85 else 8)
    small = npu.macs == 32
    wide, narrow = (7, 3) if small else (3 if npu.macs <= 128 else 2, 2)
    delay = wide if work.wide_accumulator else narrow
    bits, parts = work.ifm_bits, _up(ifm_block[2], 8)
    part_kernel = work.unit is Unit.CONV and work.part_kernel
    thinned = 2 if work.weights is not None and work.weights.sparse else 1
    cycles = 0
    for taps, times in _subkernels(work):
        if work.unit is Unit.POOL:
            steps = 1
            here = max(4, taps) * area * deep * (1 if small else bits // 2)
        elif work.unit is Unit.DEPTHWISE:
            steps = _up(taps, 4)
            here = max(weight_block, 4 * area * (bits // 8)) * steps * deep
        elif part_kernel:
            steps = _up(taps, 2 if bits == 16 else 4)
            here = max(weight_block, 4 * area) * steps * deep * parts // thinned
        elif npu.u85:
            steps = taps
            here = max(weight_block, ifm_block[2] // 8 * area) * steps * deep * (bits // 8) // thinned
        else:
            steps = taps
            here = max(weight_block, 4 * area) * steps * deep
        waits = 0
        if area == 1:
            waits = delay * (steps if deep == 1 else (steps - 1) * deep)
        if small and min(across[:2]) == 1 and deep > 1 and work.wide_accumulator:
            waits += delay * deep
        cycles += times * (here + waits * (parts if part_kernel else 1))
    if work.unit.whole_depth:
        cycles *= _up(work.ifm_shape[2], ifm_block[2])
    return cycles if npu.u85 else cycles // npu.cores


def _subkernels(work: Work) -> list[tuple[int, int]]:
    """Taps of the parts of at most 8x8 that a kernel is worked off in (`s_SubkernelLimits`), and how many have them."""
    along = []
    for size in work.kernel:
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


def _first_block(npu: Npu, work: Work) -> int:
    return max((block_cycles(npu, tensor, work.ifm_block, read=True) for tensor in work.inputs), default=0)


def _last_block(npu: Npu, work: Work) -> int:
    return block_cycles(npu, work.written, work.written_block, read=False)


def _at_most(block: Shape, shape: Shape) -> Shape:
    return min(block[0], shape[0]), min(block[1], shape[1]), min(block[2], shape[2])


def _blocks(shape: Shape, block: Shape) -> Shape:
    return _up(shape[0], block[0]), _up(shape[1], block[1]), _up(shape[2], block[2])


def _up(size: int, part: int) -> int:
    return -(-size // part)
