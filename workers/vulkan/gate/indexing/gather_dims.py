"""gather counts its dimension from the front only."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.gather.default" and call.arguments[1] < 0:
            rank = len(call.tensors[0].shape)
            yield (
                call.name,
                f"dimension {call.arguments[1]} is taken for one that does not exist; write {call.arguments[1] % rank}",
            )


RULE = Rule("gather-dimensions", Severity.REFUSED, "add_gather_node in Gather.cpp", KNOWN_RUNTIME, _check)
