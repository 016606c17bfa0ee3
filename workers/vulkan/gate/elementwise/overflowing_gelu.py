"""GELU of inputs far below zero."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.gelu.default":
            yield call.name, "of inputs beyond -13 or 13 it is NaN where a device computes tanh by exponentials"


RULE = Rule(
    "overflowing-gelu", Severity.SUSPECT, "thread 22323, Mali-G76; lavapipe computes it rightly", KNOWN_RUNTIME, _check
)
