"""What can be counted of a lowered program without a device. None of it is a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain

from workers.vulkan.gate.verdict import Verdict, verdict
from workers.vulkan.lowering.graph.lowered_graphs import graphs_of, judged_graphs
from workers.vulkan.lowering.graph.vk_graph import Call, Tensor
from workers.vulkan.lowering.lowered import Lowered

PREPACK = "et_vk.prepack.default"

#: What ExecuTorch inserts to change a tensor's storage or layout.
TRANSITION = "aten.clone.default"


@dataclass(frozen=True)
class Facts:
    """Counts of a program; fewer is better, in the order in which they stand.

    Attributes:
        refused: operators that the gate refuses; 0 where the program is not known to fail.
        host_operators: left to the CPU.
        delegates: parts on the GPU; data crosses between the CPU and the GPU around each.
        moved_bytes: that the operators read and write, each operand at its size on the GPU.
        operations: that the delegates call, without the packing of constants, which happens once.
        constant_bytes: in the file.
        transitions: of the operations, those that only change storage or layout.
        shared_bytes: that activations need, those that share memory counted once.
    """

    refused: int
    host_operators: int
    delegates: int
    moved_bytes: int
    operations: int
    constant_bytes: int
    transitions: int
    shared_bytes: int


def facts(lowered: Lowered, known: Verdict | None = None) -> Facts:
    """Count what a program consists of.

    Args:
        lowered: any program.
        known: the gate's verdict, where it is known already.

    Returns:
        Its facts; none of them is a time.
    """
    graphs = judged_graphs(lowered)
    calls = [call for graph in graphs for call in graph.calls if call.name != PREPACK]
    return Facts(
        refused=len((known or verdict(graphs)).refused),
        host_operators=len(lowered.host_operators),
        delegates=len(lowered.delegates),
        moved_bytes=sum(map(moved_bytes, calls)),
        operations=len(calls),
        constant_bytes=sum(graph.constant_bytes for graph in graphs),
        transitions=sum(call.name == TRANSITION for call in calls),
        shared_bytes=sum(_shared_bytes(graph.calls) for graph in graphs),
    )


def moved_bytes(call: Call) -> int:
    """What an operator reads and writes: its operands, constants included, and its results, each once.

    Args:
        call: of a delegate's graph.

    Returns:
        Bytes on the GPU.
    """
    operands = {one.number: one for one in (*call.tensors, *call.results)}
    return sum(one.stored_bytes for one in operands.values())


def moved_by_calls(lowered: Lowered) -> list[list[tuple[str, int]]]:
    """What each call moves.

    Args:
        lowered: any program.

    Returns:
        For each delegate its operators in program order, each with the bytes that it reads and writes. The packing of
        constants is left out.
    """
    return [
        [(call.name, moved_bytes(call)) for call in graph.calls if call.name != PREPACK] for graph in graphs_of(lowered)
    ]


def bytes_by_operator(lowered: Lowered) -> dict[str, int]:
    """Name of an operator -> bytes that all calls of it move; the largest first."""
    total = Counter[str]()
    for name, moved in chain.from_iterable(moved_by_calls(lowered)):
        total[name] += moved
    return dict(sorted(total.items(), key=lambda one: (-one[1], one[0])))


def _shared_bytes(calls: tuple[Call, ...]) -> int:
    """The largest tensor of each piece of memory, and all tensors with memory of their own."""
    largest: dict[object, int] = {}
    for call in calls:
        for one in (*call.tensors, *call.results):
            if one.constant is None and call.name != PREPACK:
                place = _place(one)
                largest[place] = max(largest.get(place, 0), one.stored_bytes)
    return sum(largest.values())


def _place(tensor: Tensor) -> object:
    return ("own", tensor.number) if tensor.shared is None else tensor.shared
