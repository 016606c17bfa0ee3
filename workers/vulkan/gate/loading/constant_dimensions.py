"""Constants of more than four dimensions."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_MOST = 4


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        for one in call.tensors:
            if one.constant is not None and len(one.shape) > _MOST:
                yield (
                    call.name,
                    f"its constant has {len(one.shape)} dimensions, and the runtime packs {_MOST}; it aborts at load. "
                    "Store it with fewer, and reshape it in forward()",
                )


RULE = Rule("constant-dimensions", Severity.REFUSED, "get_uniform_data in Tensor.h", KNOWN_RUNTIME, _check)
