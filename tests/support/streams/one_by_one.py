"""How long a stream takes, operation by operation, by the rules of `workers.ethos_u.cost.stream_cost.timeline`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workers.ethos_u.command_stream import Operation, Span, StreamError
from workers.ethos_u.cost.stream_cost.hardware.board import TABLES, Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu
from workers.ethos_u.cost.stream_cost.operation.price import Price, price_of
from workers.ethos_u.cost.stream_cost.operation.transfer import copy_cycles
from workers.ethos_u.cost.stream_cost.timeline import FAIR_SHARE

Shares = Mapping[Memory, float]


@dataclass
class _Now:
    """What is under way: when operations run and what they take of memory; when copies were issued, what they take."""

    npu: Npu
    commands: float = 0.0
    operations: list[tuple[float, float, Shares | None]] = field(default_factory=list)
    copies: list[tuple[float, int, Shares]] = field(default_factory=list)

    @property
    def free(self) -> float:
        return self.operations[-1][1] if self.operations else 0.0

    def wait_for_operations(self, left: int) -> None:
        if len(self.operations) > left:
            self.commands = max(self.commands, self.operations[-1 - left][1])

    def copies_end(self, left: int) -> float:
        end = 0.0
        for issued, cycles, shares in self.copies[: max(0, len(self.copies) - left)]:
            end = self._copied(max(issued, end), float(cycles), shares)
        return end

    def _copied(self, now: float, left: float, wanted: Shares) -> float:
        for begin, end, taken in self.operations:
            if end <= now or taken is None:
                continue
            if left <= max(0.0, begin - now):
                return now + left
            left -= max(0.0, begin - now)
            now = max(now, begin)
            limits = [max(FAIR_SHARE, 1.0 - taken.get(one, 0.0)) / share for one, share in wanted.items() if share > 0]
            speed = min([1.0, *limits])
            if left <= speed * (end - now):
                return now + left / speed
            left -= speed * (end - now)
            now = end
        return now + left


def costs(npu: Npu, operations: Sequence[Operation]) -> list[tuple[int, int]]:
    """(cycles, start cycles) of each. Raises as `stream_cycles`."""
    line = _Now(npu, commands=npu.fitted.start_cycles)
    found: list[tuple[int, int]] = []
    before, read_to, last_copy = 0.0, 0, -1
    last: Price | None = None

    def charge(copy: int, cycles: int) -> None:
        found[copy] = found[copy][0] + cycles, 0

    chain: list[Operation] = []
    for operation in operations:
        chain.append(operation)
        ofm = operation.ofm
        if npu.u85 and ofm is not None and ofm.storage == "CHAINED":
            continue
        first, words = chain[0], (operation.offset + 4 - read_to) // 4
        read_to = operation.offset + 4
        line.commands += max(words, 4 * words / npu.command_memory.bytes_per_cycle)
        if first.kernel_wait is not None:
            line.wait_for_operations(first.kernel_wait)
        copied = line.copies_end(first.dma_wait) if first.dma_wait is not None else 0.0
        ready, line.commands = line.commands, max(line.commands, copied)
        if first.dma is not None:
            ends = [_memory(npu, end) for end in (first.dma.source, first.dma.destination)]
            moved = first.dma.source.length_bytes
            if first.dma.rows > 1:
                burst = max(end.burst_bytes for end in ends)
                moved = -(-moved // burst) * burst * first.dma.rows
            cycles = copy_cycles(npu, ends[0], ends[1], moved)
            line.commands = max(line.commands, line.copies_end(npu.copies_queued - 1))
            shares: dict[Memory, float] = {}
            for end in ends:
                shares[end] = shares.get(end, 0.0) + moved / end.bytes_per_cycle / max(cycles, 1)
            line.copies.append((line.commands, cycles, shares))
            last_copy = len(found)
            found.append((0, 0))
        else:
            price = price_of(npu, chain)
            # What it does before the operation before it has ended, as soon as its commands are there.
            early = min(price.beside(last), max(0, int(line.free - line.commands)))
            last = price
            line.wait_for_operations(npu.kernels_queued - 1)
            begin = max(line.commands, line.free)
            busy = {memory: used / price.cycles for memory, used in price.memory_cycles.items() if price.cycles}
            line.operations.append((begin, begin + price.cycles - early, busy if price.cycles else None))
            by_copy = 0
            if copied > max(before, ready) and last_copy >= 0:
                by_copy = max(0, round(min(begin, copied)) - round(before))
                charge(last_copy, by_copy)
            taken = round(line.free) - round(before) - by_copy
            found += [(taken, taken - min(taken, price.steady_cycles)), *[(0, 0)] * (len(chain) - 1)]
            before = line.free
        chain = []
    if chain:
        raise StreamError(f"the operation at offset {chain[-1].offset:#x} is chained to nothing")
    rest = round(max(line.free, line.copies_end(0))) - round(before)
    if rest and found:
        charge(last_copy, rest)
    return found


def _memory(npu: Npu, span: Span) -> Memory:
    return TABLES if span.region is None else npu.memory(span.region)
