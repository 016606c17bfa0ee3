"""Batches are stacked along the channels of a texture, so neither is reduced where there are several images."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.gate.reduction.axes import BATCH_AXIS, CHANNELS_AXIS, REDUCTIONS, SOFTMAX, reduced_axes
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name not in (*SOFTMAX, *REDUCTIONS):
            continue
        shape, axes = call.tensors[0].shape, reduced_axes(call) or ()
        if len(shape) == 4 and BATCH_AXIS in axes:
            yield call.name, "runs along the batch, for which a workgroup has no axis"
        elif len(shape) == 4 and shape[0] > 1 and CHANNELS_AXIS in axes:
            yield call.name, f"runs along the channels of {shape[0]} images; the runtime aborts at load"


RULE = Rule(
    "reduced-batches",
    Severity.REFUSED,
    "VK_CHECK_COND and the local workgroup sizes in Softmax.cpp and Reduce.cpp",
    KNOWN_RUNTIME,
    _check,
)
