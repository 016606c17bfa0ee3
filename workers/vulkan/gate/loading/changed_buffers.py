"""Buffers of the model that a delegate changes."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for name in graph.changed_buffers:
        yield name, "is a buffer that the delegate changes, and the call has no place for it; the runtime aborts"


RULE = Rule(
    "changed-buffers",
    Severity.REFUSED,
    "VK_CHECK_COND in VulkanBackend.cpp counts the arguments of a call; nets with a state aborted on lavapipe",
    KNOWN_RUNTIME,
    _check,
)
