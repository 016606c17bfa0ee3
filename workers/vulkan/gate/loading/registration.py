"""Operators that the runtime does not know: ExecuTorch's partitioner takes them, and loading the file aborts."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.gate.loading.registered_operators import REGISTERED
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(call.name for call in graph.calls):
        if name not in REGISTERED:
            yield name, "the runtime registers no such operator and aborts at load"


RULE = Rule(
    "registration",
    Severity.REFUSED,
    "pull request 22786 for logical_not; the others by VK_REGISTER_OP, six of them seen to abort",
    KNOWN_RUNTIME,
    _check,
)
