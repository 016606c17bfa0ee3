"""One piece of work, as the cost formulas take it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.cost.stream_cost.hardware.board import Memory


class Unit(StrEnum):
    """What an operation keeps busy; Vela's `EthosU55NpuOp` and `EthosU85NpuOp` as far as their costs differ."""

    CONV = "conv"
    DEPTHWISE = "depthwise"
    POOL = "pool"
    REDUCE_SUM = "reduce sum"
    ELEMENTWISE = "elementwise"
    RESIZE = "resize"

    @property
    def uses_macs(self) -> bool:
        """Anything but what only passes through the output unit."""
        return self not in (Unit.ELEMENTWISE, Unit.RESIZE)

    @property
    def whole_depth(self) -> bool:
        """Whether every output channel needs all input channels."""
        return self in (Unit.CONV, Unit.REDUCE_SUM)


class Channel(StrEnum):
    """U85's ways to memory (`MemChannel`), each with its own limit.

    The read channels are in the order of its buffers.
    """

    COPY = "copy"
    STREAM = "streamed ifm"
    WEIGHT = "weight"
    FAST_WEIGHT = "fast weight"
    IFM = "ifm"
    SCALE = "scale"
    WRITE = "write"


@dataclass(frozen=True)
class Tensor:
    """A feature map that is in memory.

    Attributes:
        shape: (height, width, depth) in elements.
        bits: of an element.
        bricks: whether it is in NHCWB16 format.
        memory: where it is.
        counted_bits: of an element, for how many bytes are moved. The same as `bits`, but where Vela counts otherwise
            and its row is to be recomputed.
        columns_follow, rows_follow: whether a column begins where the one before it ends, and a row.
        step_bytes: what the addresses of columns and rows are multiples of.
    """

    shape: Shape
    bits: int
    bricks: bool
    memory: Memory
    counted_bits: int
    columns_follow: bool = True
    rows_follow: bool = True
    step_bytes: int = 128

    @property
    def stored_depth(self) -> int:
        """Bricks are moved whole."""
        return (self.shape[2] + 15) // 16 * 16 if self.bricks else self.shape[2]

    @property
    def stored_elements(self) -> int:
        """Elements that are moved when all of it is."""
        height, width, _ = self.shape
        return height * width * self.stored_depth


@dataclass(frozen=True)
class Weights:
    """Encoded weights and scales.

    Attributes:
        weight_bytes, scale_bytes: as encoded.
        weight_memory, scale_memory: what the NPU reads them from.
        scale_latency_memory: whose latency a block waits for before its scales are there.
        fast: U85: the fast weight decoder, with a channel of its own.
        sparse: U85: two of four weights are left out.
    """

    weight_bytes: int
    scale_bytes: int
    weight_memory: Memory
    scale_memory: Memory
    scale_latency_memory: Memory
    fast: bool = False
    sparse: bool = False


@dataclass(frozen=True)
class Move:
    """Further bytes that move while the operation runs: feature maps of its chain, and weights being staged."""

    memory: Memory
    channel: Channel
    moved_bytes: int


@dataclass(frozen=True)
class Work:
    """One operation, or on U85 a chain of them that runs as one.

    Attributes:
        unit: what it keeps busy.
        kernel: (height, width) in taps.
        inputs: feature maps that are read, one or two; empty if its inputs are constants or chained.
        ifm_shape, ifm_bits: of the first input, also where it is not in memory.
        output: what is computed. Of a chain: by its first operation.
        writes: whether it goes to memory (not if it is chained to what follows).
        written, written_block: `output` and `ofm_block` as they are in memory: with U85's transposes done.
        ifm_block, ofm_block, microblock: (height, width, depth).
        part_kernel: weights are traversed kernel first.
        wide_accumulator: 40 (U55, U65) or 48 (U85) bits.
        cycles_per_element: of the output unit.
        chained_cycles_per_element: the same of what is chained to it.
        block_dependency: U85: so many of its first blocks do not wait for the operation before it; 0 elsewhere.
        rows_read, columns_read: of the first input, in one pass over all blocks. Rows that two blocks need count twice.
        weights: None without, or if the second input is them.
        channels: U85: what `inputs` come in by, in their order.
        moves: traffic besides.
        rereads_broadcasts: a broadcast operand is read for every element that it is combined with. Vela assumes so for
            U55 and U65, but not U85. Here none does: the operation knows that it is broadcast.
    """

    unit: Unit
    kernel: tuple[int, int]
    inputs: tuple[Tensor, ...]
    ifm_shape: Shape
    ifm_bits: int
    output: Tensor
    writes: bool
    written: Tensor
    written_block: Shape
    ifm_block: Shape
    ofm_block: Shape
    microblock: Shape
    part_kernel: bool
    wide_accumulator: bool
    cycles_per_element: float
    weights: Weights | None
    channels: tuple[Channel, ...]
    moves: tuple[Move, ...] = ()
    chained_cycles_per_element: float = 0.0
    rows_read: int = 0
    columns_read: int = 0
    block_dependency: int = 0
    rereads_broadcasts: bool = False
