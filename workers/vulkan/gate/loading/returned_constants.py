"""Delegates that hand on a constant as it is."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    if any(one.constant is not None for one in graph.outputs):
        for operator in graph.returned_constants or ("output",):
            yield (
                operator,
                "ExecuTorch leaves it out and the delegate gives its constant, which the runtime never writes",
            )


RULE = Rule(
    "returned-constants",
    Severity.REFUSED,
    "VulkanBackend::execute in VulkanBackend.cpp copies tensors alone; on lavapipe an index was lost",
    KNOWN_RUNTIME,
    _check,
)
