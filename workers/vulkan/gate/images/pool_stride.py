"""Pooling without a stride of its own, as `F.max_pool2d(x, 2)` has it."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_NAMES = ("aten.max_pool2d_with_indices.default", "aten.max_pool2d.default", "aten.avg_pool2d.default")


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name in _NAMES and len(call.arguments[2]) != 2:
            yield call.name, "names no stride; the runtime aborts at load"


RULE = Rule(
    "pool-stride",
    Severity.REFUSED,
    "create_kernel2d_params in KernelUtils.cpp: make_ivec2 takes lists of two",
    KNOWN_RUNTIME,
    _check,
)
