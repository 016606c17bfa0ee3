"""Turns decoded operations into the work that the cost formulas price."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from workers.ethos_u.command_stream import FeatureMap, Kind, Operation, StreamError
from workers.ethos_u.command_stream.features import Kernel, Shape
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.work.ifm_block import ifm_block
from workers.ethos_u.cost.stream_cost.work.output_rate import cycles_per_element
from workers.ethos_u.cost.stream_cost.work.work import Channel, Move, Tensor, Unit, Weights, Work

_UNITS = {
    Kind.CONV: Unit.CONV, Kind.DEPTHWISE: Unit.DEPTHWISE, Kind.POOL: Unit.POOL, Kind.ELEMENTWISE: Unit.ELEMENTWISE,
    Kind.RESIZE: Unit.RESIZE,
}  # fmt: skip
_ONE_TAP = Kernel(1, 1, 1, 1, 1, 1)


def work_of(npu: Npu, chain: Sequence[Operation]) -> Work:
    """What a chain of operations (U85), or one by itself, keeps busy.

    Args:
        npu: the NPU.
        chain: one operation, or several that hand on their results inside the NPU (U85).

    Returns:
        What it reads, computes and writes.

    Raises:
        StreamError: registers that it needs are not set, have no meaning, or contradict each other.
    """
    first = chain[0]
    ofm, block, ifm = first.ofm, first.block, first.ifm
    if ofm is None or block is None or ifm is None:
        raise StreamError(f"the copy at offset {first.offset:#x} computes nothing")
    unit = Unit.REDUCE_SUM if first.mode == "REDUCE_SUM" else _UNITS[first.kind]
    # U85's pool of this mode does not look at its IFM: what it passes on is IFM2.
    inputs = [(one, second) for one, second in ((ifm, False), (first.ifm2, True)) if one is not None]
    if first.mode == "NONE" and len(inputs) == 2:
        inputs = inputs[1:]
    main = inputs[0][0]
    kernel = (first.kernel if first.kind is not Kind.RESIZE else None) or _ONE_TAP
    microblock = _microblock(npu, first)
    part_kernel = unit is Unit.CONV and first.traversal == "PART_KERNEL_FIRST" and not first.weights_from_ifm2
    bits = 8 * main.element_bytes
    sparse = (first.weight_format or "").endswith("SPARSE_2_4")
    in_block = ifm_block(
        npu, unit, block, kernel, first.upscale or "NONE", main.shape[2], bits, microblock, part_kernel, sparse
    )
    read = [(one, second) for one, second in inputs if one.in_memory]
    output = _tensor(npu, ofm)
    written, written_block = _written(npu, ofm, block, output)
    return Work(
        unit=unit,
        kernel=(kernel.height, kernel.width),
        inputs=tuple(_tensor(npu, one) for one, _ in read),
        ifm_shape=main.shape,
        ifm_bits=bits,
        output=output,
        writes=ofm.in_memory,
        written=written,
        written_block=written_block,
        ifm_block=in_block,
        ofm_block=block,
        microblock=microblock,
        part_kernel=part_kernel,
        wide_accumulator=first.accumulator in ("I40", "I48"),
        cycles_per_element=cycles_per_element(npu, first),
        weights=_weights(npu, first, sparse),
        channels=tuple(_channel(unit, first, second) for _, second in read),
        moves=tuple(move for operation in chain[1:] for move in _moves(npu, operation)),
        chained_cycles_per_element=sum(cycles_per_element(npu, operation) for operation in chain[1:]),
        block_dependency=first.registers.number("BLOCKDEP") if npu.u85 else 0,
        rows_read=_swept(first, 0, block, main.shape[0]),
        columns_read=_swept(first, 1, block, main.shape[1]),
    )


def _microblock(npu: Npu, operation: Operation) -> Shape:
    area = operation.microblock
    if area is None:
        return npu.microblock
    height, width = area
    return height, width, max(1, npu.macs // (8 * height * width))


def _tensor(npu: Npu, one: FeatureMap, shape: Shape | None = None) -> Tensor:
    """A feature map; shape: of it in memory, if that is another than what is computed."""
    # A chained OFM has no memory; blocks of it are as if they went to the arena, as in Vela.
    memory = npu.memory(one.region) if one.in_memory else npu.regions[1]
    shape, bits, bricks = shape or one.shape, 8 * one.element_bytes, one.format == "NHCWB16"
    if not one.strides:
        return Tensor(shape, bits, bricks, memory, bits)
    _, width, depth = shape
    row, column, _ = one.strides
    columns = bricks or column == depth * one.element_bytes
    return Tensor(shape, bits, bricks, memory, bits, columns, columns and row == width * column, gcd(row, column))


def _written(npu: Npu, ofm: FeatureMap, block: Shape, output: Tensor) -> tuple[Tensor, Shape]:
    """An OFM and its blocks as they are in memory, after U85's transpose."""
    if ofm.transpose == "HWC":
        return output, block
    height, width, depth = ("HWC".index(axis) for axis in ofm.transpose)
    shape = ofm.shape[height], ofm.shape[width], ofm.shape[depth]
    return _tensor(npu, ofm, shape), (block[height], block[width], block[depth])


def _channel(unit: Unit, operation: Operation, second: bool) -> Channel:
    """`LookupChannel` in ethos_u85_performance.cpp."""
    streamed = not unit.uses_macs or (second and operation.weights_from_ifm2)
    return Channel.STREAM if streamed else Channel.IFM


def _weights(npu: Npu, operation: Operation, sparse: bool) -> Weights | None:
    weights, scales = operation.weights, operation.scales
    if not weights and not scales:
        return None
    weight_memory = npu.memory((weights or scales)[0].region or 0)
    scale_memory = npu.memory((scales or weights)[0].region or 0)
    return Weights(
        weight_bytes=sum(span.length_bytes for span in weights),
        scale_bytes=sum(span.length_bytes for span in scales),
        weight_memory=weight_memory,
        scale_memory=scale_memory,
        scale_latency_memory=scale_memory,
        fast=(operation.weight_format or "").startswith("FWD"),
        sparse=sparse,
    )


def _swept(operation: Operation, axis: int, block: Shape, size: int) -> int:
    """Rows (axis 0) or columns of the IFM that all blocks of an operation need, those inside the IFM alone."""
    ofm, kernel, padding = operation.ofm, operation.kernel, operation.padding
    if ofm is None or kernel is None or padding is None:
        return size
    stride, taps = (kernel.stride_y, kernel.dilated_height) if axis == 0 else (kernel.stride_x, kernel.dilated_width)
    before = padding.top if axis == 0 else padding.left
    factor = 1 if operation.upscale in (None, "NONE") else 2
    read = 0
    for start in range(0, ofm.shape[axis], block[axis]):
        last = min(start + block[axis], ofm.shape[axis]) - 1
        low, high = max(0, start * stride - before), min(size * factor, last * stride - before + taps)
        read += max(0, -(-high // factor) - low // factor)
    return read


def _moves(npu: Npu, chained: Operation) -> list[Move]:
    """What an operation further down a chain reads and writes besides what it is handed over.

    `MeasureElementAccess` in ethos_u85_performance.cpp: whole feature maps.
    """
    moves = []
    for one in (chained.ifm, chained.ifm2):
        if one is not None and one.in_memory and one.elements > 1:
            tensor = _tensor(npu, one)
            channel = _channel(_UNITS[chained.kind], chained, second=one is chained.ifm2)
            moves.append(Move(tensor.memory, channel, tensor.stored_elements * tensor.bits // 8))
    if chained.ofm is not None and chained.ofm.in_memory:
        tensor = _tensor(npu, chained.ofm)
        moves.append(Move(tensor.memory, Channel.WRITE, tensor.stored_elements * tensor.bits // 8))
    return moves
