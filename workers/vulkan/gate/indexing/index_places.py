"""Indexing by a tensor is along the first dimension, by places that are counted from the front."""

from collections.abc import Iterator

import numpy as np

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name != "aten.index.Tensor":
            continue
        if len(call.arguments[1]) > 1:
            yield call.name, "indexes another dimension than the first; the runtime aborts at load"
            continue
        (index,) = call.arguments[1]
        content = graph.content_of(index)
        places = np.frombuffer(content or b"", np.int32)[: index.elements]
        if (places < 0).any():
            yield call.name, f"takes place {places.min()}, and the shader reads before the first; count from the front"


RULE = Rule(
    "index-places",
    Severity.REFUSED,
    "VK_CHECK_COND in IndexTensor.cpp; index_tensor_buffer.glsl and index_tensor_texture.glsl",
    KNOWN_RUNTIME,
    _check,
)
