"""What one operation costs by itself, remembered by the registers that its price depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from workers.command_stream import Operation
from workers.stream_cost.blocks import Blocks, blocks
from workers.stream_cost.board import Memory
from workers.stream_cost.compute import mac_stage, output_stage
from workers.stream_cost.npu import Npu
from workers.stream_cost.pipeline import Stage, pipelined, staged
from workers.stream_cost.reading import work_of
from workers.stream_cost.traffic import busy_cycles, read_stage, transfers, weight_stage, write_stage
from workers.stream_cost.work import Work

# Where things are within a region, and what numbers are scaled and clamped to, costs nothing.
_FREE = re.compile(
    r"NPU_SET_((I|O)FM2?_BASE\d|(WEIGHT|SCALE)\d?_BASE|I?O?FM2?_ZERO_POINT|(OFM|OPA|OPB|IFM|IFM2)_SCALE"
    r"|(OP|IFM2)_SCALAR|ACTIVATION_(MIN|MAX)|DMA0_.*|IFM_IB_END|IFM2_IB_START|AB_START|RESIZE_.*)"
)
_MOST_PRICES = 200_000


@dataclass(frozen=True)
class Price:
    """An operation, or a chain of them, with all of the NPU and the memories to itself.

    Attributes:
        memory_cycles: how long it keeps each memory busy.
        cycles: that it takes; without filling and draining the pipeline if the operation before overlaps with that.
        steady_cycles: `cycles` without filling and draining the pipeline.
    """

    memory_cycles: Mapping[Memory, int]
    cycles: int
    steady_cycles: int

    @cached_property
    def shares(self) -> Mapping[Memory, float]:
        """The part of its time that it keeps each memory busy."""
        return {memory: busy / max(self.cycles, 1) for memory, busy in self.memory_cycles.items()}


def price_of(npu: Npu, chain: Sequence[Operation]) -> Price:
    """The price of a chain of operations; alone, if it is one.

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
    """The price of what `work_of` has read off a chain."""
    parts, moved = blocks(work), transfers(npu, work)
    read, weights = read_stage(npu, work, moved), weight_stage(npu, work, moved)
    macs, scaled, written = mac_stage(npu, work, parts), output_stage(npu, work, parts), write_stage(npu, work, moved)
    if work.chained_cycles_per_element:
        rest = _rest_of_chain(npu, work, parts)
        macs, output = macs.beside(scaled).then(rest), written
        weights = replace(weights, total=weights.total + rest.last)
    else:
        output = scaled.beside(written)
    busy = busy_cycles(npu, moved)
    steady = max(read.total, weights.total, macs.total, output.total, *busy.values())
    filled = max(pipelined(read, weights, macs, output), steady)
    return Price(busy, round(steady if work.overlapped else filled), round(steady))


def _rest_of_chain(npu: Npu, work: Work, parts: Sequence[Blocks]) -> Stage:
    """U85: all operations of a chain but the first. They take turns with it at each block.

    Measured: launches of convolution and addition.
    """
    per_element, handed_on = work.chained_cycles_per_element, npu.fitted.chain_cycles
    return staged((some.count, per_element * some.elements + handed_on) for some in parts)


@lru_cache
def _prices(npu: Npu) -> dict[object, Price]:
    return {}
