"""The predicted cost of a command stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workers.errors import ModelError
from workers.ethos_u.command_stream import Decoded, Dma, Operation, Run, Span, StreamError
from workers.ethos_u.cost.stream_cost.hardware.board import TABLES, Memory
from workers.ethos_u.cost.stream_cost.hardware.fitted import FITTED, Fitted
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu, npu_of
from workers.ethos_u.cost.stream_cost.operation.price import Price, price_of
from workers.ethos_u.cost.stream_cost.operation.transfer import copy_cycles
from workers.ethos_u.cost.stream_cost.timeline import Timeline
from workers.ethos_u.target import Target


@dataclass(frozen=True)
class OperationCost:
    """What one operation of a stream adds to the time that the stream takes.

    Attributes:
        cycles: from the end of the operation before it to its own end; 0 for a copy hidden behind operations and for
            all but the first operation of a chain. They add up to the total.
        start_cycles: the part of them until its commands were read, the pipeline was full, and empty again.
    """

    cycles: int
    start_cycles: int


@dataclass(frozen=True)
class StreamCost:
    """Predicted cycles of a command stream.

    Attributes:
        total_cycles: from the first command to the end of the last operation.
        operations: in the order of `Decoded.operations`.
    """

    total_cycles: int
    operations: tuple[OperationCost, ...]


def stream_cycles(decoded: Decoded, target: Target, fitted: Fitted = FITTED) -> StreamCost:
    """Price the operations that are in a command stream. Equal streams cost the same, whatever they were made from.

    What an operation costs by itself follows from its registers (`workers.ethos_u.cost.stream_cost.operation.price`).
    `workers.ethos_u.cost.stream_cost.timeline` says how operations overlap. docs/objective.md compares the formulas
    with measurements.

    Args:
        decoded: the stream.
        target: the accelerator and its memories.
        fitted: parameters of the model; others than its own only to fit them.

    Returns:
        Predicted cycles of the NPU's clock, in all and by operation.

    Raises:
        ModelError: the stream is for another accelerator than the target's.
        StreamError: an operation cannot be priced: registers are not set or contradict each other.
    """
    if decoded.accelerator != target.accelerator:
        raise ModelError(f"a command stream for {decoded.accelerator} has no price on {target.label}")
    try:
        return _timed(npu_of(target, fitted), decoded.runs)
    except (ArithmeticError, IndexError, KeyError) as error:
        # Registers that no compiler would set that way, as in a damaged stream.
        raise StreamError(f"the command stream has an operation that cannot be priced ({error!r})") from error


def _timed(npu: Npu, runs: Sequence[Run]) -> StreamCost:
    line = Timeline(npu, commands=npu.fitted.start_cycles)
    costs: list[OperationCost] = []
    before, read_to, last_copy = 0.0, 0, -1
    price: Price | None = None
    for chain, offsets in _chains(runs):
        first, end = chain[0], chain[-1].offset + 4
        line.read_commands((end - read_to) // 4)
        read_to = end
        if first.kernel_wait is not None:
            line.wait_for_operations(first.kernel_wait)
        copied = line.copies_end(first.dma_wait) if first.dma_wait is not None else 0.0
        dma = first.dma
        if dma is not None:
            line.commands = max(line.commands, copied)
            length_bytes, source, destination = _copied(npu, dma)
            cycles = copy_cycles(npu, source, destination, length_bytes)
            line.start_copy(cycles, _shares(length_bytes, cycles, source, destination))
            last_copy = len(costs)
            costs.append(OperationCost(0, 0))
            continue
        # What the operation waits for a copy is the copy's, what it waits for its commands is its own.
        ready = line.commands
        line.commands = max(line.commands, copied)
        last, price = price, price_of(npu, chain)
        begin = line.run(price.cycles, price.shares, price.beside(last))
        by_copy = round(min(begin, copied)) - round(before) if copied > max(before, ready) and last_copy >= 0 else 0
        if by_copy > 0:
            costs[last_copy] = OperationCost(costs[last_copy].cycles + by_copy, 0)
        taken = round(line.free) - round(before) - max(0, by_copy)
        costs.append(OperationCost(taken, taken - _unstarted(price, taken)))
        costs.extend(OperationCost(0, 0) for _ in chain[1:])
        before = line.free
        if len(offsets) > 1:
            ends = line.run_each(_words_between(offsets), price.cycles, price.shares, price.beside(price))
            costs += _costs_in_turn(price, before, ends)
            read_to, before = offsets[-1] + 4, line.free
    rest = round(line.end()) - round(before)
    if rest and costs:
        costs[last_copy] = OperationCost(costs[last_copy].cycles + rest, 0)
    return StreamCost(round(line.end()), tuple(costs))


def _unstarted(price: Price, taken: int) -> int:
    return min(taken, price.steady_cycles)


def _words_between(offsets: Sequence[int]) -> list[int]:
    return [(end - start) // 4 for start, end in pairwise(offsets)]


def _costs_in_turn(price: Price, before: float, ends: Sequence[float]) -> list[OperationCost]:
    """Of operations that all have the price; `before`: when the first of them could start."""
    taken = [end - start for start, end in pairwise(map(round, (before, *ends)))]
    costs = {cycles: OperationCost(cycles, cycles - _unstarted(price, cycles)) for cycles in set(taken)}
    return [costs[cycles] for cycles in taken]


def _chains(runs: Sequence[Run]) -> Iterator[tuple[list[Operation], Sequence[int]]]:
    """Operations in runs of which each hands its result to the next inside the NPU (U85). Others come by themselves,
    with the offsets of all that are like them."""
    chain: list[Operation] = []
    for run in runs:
        chain.append(run.first)
        ofm = run.first.ofm if run.first.family == "ethos-u85" else None
        if ofm is None or ofm.storage != "CHAINED":
            yield chain, run.offsets
            chain = []
    if chain:
        raise StreamError(f"the operation at offset {chain[-1].offset:#x} is chained to nothing")


def _copied(npu: Npu, dma: Dma) -> tuple[int, Memory, Memory]:
    """Bytes and the memories at both ends. Rows apart from each other are moved in whole bursts."""
    source, destination = _memory(npu, dma.source), _memory(npu, dma.destination)
    length_bytes = dma.source.length_bytes
    if dma.rows > 1:
        burst_bytes = max(source.burst_bytes, destination.burst_bytes)
        length_bytes = -(-length_bytes // burst_bytes) * burst_bytes * dma.rows
    return length_bytes, source, destination


def _memory(npu: Npu, span: Span) -> Memory:
    return TABLES if span.region is None else npu.memory(span.region)


def _shares(length_bytes: int, cycles: int, *ends: Memory) -> Mapping[Memory, float]:
    shares: dict[Memory, float] = {}
    for memory in ends:
        shares[memory] = shares.get(memory, 0.0) + length_bytes / memory.bytes_per_cycle / max(cycles, 1)
    return shares
