"""Indexing by a tensor whose values are not known before the program runs."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.index.Tensor" and len(call.arguments[1]) == 1:
            (index,) = call.arguments[1]
            if graph.content_of(index) is None:
                yield call.name, "reads before the first row where a place is below zero; count from the front"


RULE = Rule(
    "negative-places",
    Severity.SUSPECT,
    "index_tensor_buffer.glsl and index_tensor_texture.glsl",
    KNOWN_RUNTIME,
    _check,
)
