"""What one operation costs by itself, remembered by the registers that its price depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.cost.stream_cost.hardware.board import Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.operation.compute import mac_stage, output_stage
from workers.ethos_u.cost.stream_cost.operation.pipeline import Ends, Stage, beside, pipelined, staged
from workers.ethos_u.cost.stream_cost.operation.traffic import (
    busy_cycles,
    late_weight_cycles,
    read_stage,
    transfers,
    weight_stage,
    write_stage,
)
from workers.ethos_u.cost.stream_cost.work.blocks import Blocks, blocks
from workers.ethos_u.cost.stream_cost.work.reading import work_of
from workers.ethos_u.cost.stream_cost.work.work import Work

# Where things are within a region, and what numbers are scaled and clamped to, costs nothing.
_FREE = re.compile(
    r"NPU_SET_((I|O)FM2?_BASE\d|(WEIGHT|SCALE)\d?_BASE|I?O?FM2?_ZERO_POINT|(OFM|OPA|OPB|IFM|IFM2)_SCALE"
    r"|(OP|IFM2)_SCALAR|ACTIVATION_(MIN|MAX)|DMA0_.*|IFM_IB_END|IFM2_IB_START|AB_START|RESIZE_.*)"
)
_MOST_PRICES = 200_000
_ANY_BLOCK = 7  # the block dependency that Vela sets if no block of an operation needs the one before


@dataclass(frozen=True)
class Price:
    """An operation, or a chain of them, with all of the NPU and the memories to itself.

    Attributes:
        memory_cycles: how long it keeps each memory busy.
        cycles: that it takes.
        steady_cycles: `cycles` without filling and draining the pipeline.
        ends: how the pipeline fills and drains.
        block_dependency: U85: so many of its first blocks do not wait for the operation before; 0 elsewhere.
    """

    memory_cycles: Mapping[Memory, int]
    cycles: int
    steady_cycles: int
    ends: Ends
    block_dependency: int = 0

    @cached_property
    def shares(self) -> Mapping[Memory, float]:
        """The part of its time that it keeps each memory busy."""
        return {memory: busy / max(self.cycles, 1) for memory, busy in self.memory_cycles.items()}

    def beside(self, before: Price | None) -> int:
        """Cycles of it that run beside the end of the operation before, if there is one.

        Measured on U85: launches, totals of U85-1024 and -2048.
        """
        if before is None or not self.block_dependency:
            return 0
        apart = self.block_dependency == _ANY_BLOCK
        return min(self.cycles, round(beside(before.ends, self.ends, apart)))


def price_of(npu: Npu, chain: Sequence[Operation]) -> Price:
    """The price of a chain of operations; alone, if it is one.

    Args:
        npu: the NPU.
        chain: one operation, or several that hand on their results inside the NPU (U85).

    Returns:
        The price in cycles.

    Raises:
        StreamError: as `work_of`.
    """
    key = tuple((one.kind, one.parameter, one.registers.pick(_FREE)) for one in chain)
    known = _prices(npu)
    price = known.get(key)
    if price is None:
        if len(known) >= _MOST_PRICES:
            known.clear()
        price = known[key] = price_of_work(npu, work_of(npu, chain))
    return price


def price_of_work(npu: Npu, work: Work) -> Price:
    """The price of what `work_of` has read off a chain.

    Args:
        npu: the NPU.
        work: of a chain.

    Returns:
        The price in cycles.
    """
    parts, moved = blocks(work), transfers(npu, work)
    read, weights = read_stage(npu, work, moved), weight_stage(npu, work, moved)
    macs, scaled, written = mac_stage(npu, work, parts), output_stage(npu, work, parts), write_stage(npu, work, moved)
    if work.chained_cycles_per_element:
        scaled = scaled.then(_rest_of_chain(npu, work, parts))
    output = scaled.beside(written)
    busy = busy_cycles(npu, moved)
    steady = max(read.total, weights.total, macs.total, output.total, *busy.values())
    filled = max(pipelined(read, weights, macs, output, late_weight_cycles(npu, work, moved)), steady)
    ends = Ends(read.first, macs.first, macs.last, output.last)
    return Price(busy, round(filled), round(steady), ends, work.block_dependency)


def _rest_of_chain(npu: Npu, work: Work, parts: Sequence[Blocks]) -> Stage:
    """U85: all operations of a chain but the first. The output unit does them in turn with the first one's, block by
    block, while the MACs are at the next block.

    Measured: launches of convolution and addition.
    """
    per_element, handed_on = work.chained_cycles_per_element, npu.fitted.chain_cycles
    return staged((some.count, per_element * some.elements + handed_on) for some in parts)


@lru_cache
def _prices(npu: Npu) -> dict[object, Price]:
    return {}
