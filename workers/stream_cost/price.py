"""What one operation costs by itself, remembered by the registers that its price depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from workers.command_stream import Operation
from workers.stream_cost.board import Memory
from workers.stream_cost.compute import compute_cycles, fill_cycles
from workers.stream_cost.npu import Npu
from workers.stream_cost.reading import work_of
from workers.stream_cost.traffic import memory_cycles

# Where things are within a region, and what numbers are scaled and clamped to, costs nothing.
_FREE = re.compile(
    r"NPU_SET_((I|O)FM2?_BASE\d|(WEIGHT|SCALE)\d?_BASE|I?O?FM2?_ZERO_POINT|(OFM|OPA|OPB|IFM|IFM2)_SCALE"
    r"|(OP|IFM2)_SCALAR|ACTIVATION_(MIN|MAX)|DMA0_.*|IFM_IB_END|IFM2_IB_START|AB_START|BLOCKDEP|RESIZE_.*)"
)
_MOST_PRICES = 200_000


@dataclass(frozen=True)
class Price:
    """An operation, or a chain of them, with all of the NPU and the memories to itself.

    Attributes:
        compute_cycles: of the NPU, as Vela prices it.
        memory_cycles: how long it keeps each memory busy.
        cycles: from its first byte to its last.
    """

    compute_cycles: int
    memory_cycles: Mapping[Memory, int]
    cycles: int

    @cached_property
    def steady_cycles(self) -> int:
        """`cycles` without what Vela leaves out: filling and draining the pipeline for what uses no MACs."""
        return max(self.compute_cycles, *self.memory_cycles.values(), 0)

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
        price = known[key] = _priced(npu, chain)
    return price


def _priced(npu: Npu, chain: Sequence[Operation]) -> Price:
    work = work_of(npu, chain)
    computed, busy = compute_cycles(npu, work), memory_cycles(npu, work)
    filled = 0 if work.unit.uses_macs else fill_cycles(npu, work)
    return Price(computed, busy, max(computed + filled, *busy.values(), 0))


@lru_cache
def _prices(npu: Npu) -> dict[object, Price]:
    return {}
