"""Inputs of a delegate that nothing in it reads."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for name in graph.unread_inputs:
        yield name, "is an input of a delegate that does not read it, and the delegate is called with it"


RULE = Rule(
    "unread-inputs",
    Severity.REFUSED,
    "VK_CHECK_COND of the arguments' number in VulkanBackend.cpp",
    KNOWN_RUNTIME,
    _check,
)
