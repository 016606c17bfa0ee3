"""Indexing by a tensor is along the first dimension."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.index.Tensor" and len(call.arguments[1]) > 1:
            yield call.name, "indexes another dimension than the first; the runtime aborts at load"


RULE = Rule("index-places", Severity.REFUSED, "VK_CHECK_COND in IndexTensor.cpp", KNOWN_RUNTIME, _check)
