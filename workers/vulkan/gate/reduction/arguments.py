"""argmax and argmin run along rows in buffers."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import BUFFER, Graph
from workers.vulkan.target import KNOWN_RUNTIME

_NAMES = ("aten.argmax.default", "aten.argmin.default")


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name in _NAMES:
            rows, dim = call.tensors[0], call.arguments[1] or 0
            if rows.storage != BUFFER:
                yield call.name, "its input is a texture, and it takes buffers; the runtime aborts at load"
            elif dim % len(rows.shape) != len(rows.shape) - 1:
                yield call.name, "does not run along the last dimension; the runtime aborts at load"


RULE = Rule("reduced-arguments", Severity.REFUSED, "VK_CHECK_COND in ArgReduce.cpp", KNOWN_RUNTIME, _check)
